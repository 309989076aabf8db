using Streams.Core;

namespace Streams.Gateways;

/// <summary>Where a reader is in one lane, and what of it lies in the read-ahead.</summary>
internal sealed class LaneRead(Origin origin, Offset position)
{
    private readonly Queue<LaneBatch> _batches = new();

    /// <summary>The lane.</summary>
    public Origin Origin { get; } = origin;

    /// <summary>The next offset to decide about: everything before it has its place in the session.</summary>
    public Offset Position { get; set; } = position;

    /// <summary>First offset kept here, as last seen.</summary>
    public Offset First { get; set; }

    /// <summary>Offset behind the last event here, as last seen.</summary>
    public Offset Next { get; set; }

    /// <summary>The next offset to read.</summary>
    public Offset Fetched { get; private set; } = position;

    /// <summary>Bytes in the read-ahead.</summary>
    public int Bytes { get; private set; }

    /// <summary>What the next batch waits for, while it waits; the batch itself is let go and read again (slow readers cost disk
    /// reads, not memory).</summary>
    public AfterVector? WaitsFor { get; private set; }

    /// <summary>When the waiting batch arrived.</summary>
    public TimeSpan WaitsSince { get; private set; }

    /// <summary>Base offset of the batch that was let through the gate, so that it is not asked about again in its middle.</summary>
    public Offset? Admitted { get; set; }

    /// <summary>How the batch let through was let through.</summary>
    public Release AdmittedBy { get; set; }

    /// <summary>The next batch in the read-ahead.</summary>
    public LaneBatch? Head => _batches.TryPeek(out LaneBatch? head) ? head : null;

    /// <summary>Whether something is here that is not in the read-ahead.</summary>
    public bool WantsData => WaitsFor is null && _batches.Count == 0 && Offset.Max(Fetched, First) < Next;

    /// <summary>Adds a batch behind the others; one that is behind the position already is not kept.</summary>
    public bool Offer(LaneBatch batch)
    {
        if (batch.NextOffset <= Fetched || batch.NextOffset <= Position)
        {
            batch.Release();
            return false;
        }

        _batches.Enqueue(batch);
        Bytes += batch.Bytes;
        Fetched = batch.NextOffset;
        Next = Offset.Max(Next, Fetched);
        return true;
    }

    /// <summary>Takes the next batch out of the read-ahead.</summary>
    public LaneBatch Take()
    {
        LaneBatch head = _batches.Dequeue();
        Bytes -= head.Bytes;
        return head;
    }

    /// <summary>The next batch has to wait: remembers what for and lets the read-ahead go.</summary>
    public void Park(LaneBatch head)
    {
        WaitsFor = head.After;
        WaitsSince = head.ArrivedAt;
        Drop();
    }

    /// <summary>The wait is over; the batch is wanted again.</summary>
    public void Unpark(Offset admitted)
    {
        WaitsFor = null;
        Admitted = admitted;
    }

    /// <summary>Steps over a gap; a batch that waited in it is gone.</summary>
    public void StepTo(Offset position)
    {
        Position = position;
        WaitsFor = null;
    }

    /// <summary>Lets the read-ahead go; reading begins again at the position.</summary>
    public void Drop()
    {
        while (_batches.TryDequeue(out LaneBatch? batch))
        {
            batch.Release();
        }

        Bytes = 0;
        Fetched = Position;
    }

    /// <summary>Goes back to, or on to, <paramref name="position"/>.</summary>
    public void MoveTo(Offset position)
    {
        Position = position;
        WaitsFor = null;
        Admitted = null;
        Drop();
    }
}
