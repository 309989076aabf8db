using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A batch that goes up: an entry of a lane, or one that takes a route and has got an identity for it.</summary>
/// <param name="lane">Its lane; <see langword="null"/> where it takes a route.</param>
/// <param name="partition">Where it goes.</param>
/// <param name="at">Offset of its first event in the lane; row id of the entry where it takes a route.</param>
/// <param name="after">What must be passed before it, as it is stored.</param>
/// <param name="batch">The batch.</param>
/// <param name="wasTried">Whether it may have been sent in an earlier life of the agent (rule R18).</param>
internal sealed class UpEntry(UpLane? lane, StreamPartition partition, long at, AfterVector after, EventBatch batch, bool wasTried)
{
    private EventBatch? _batch = batch;

    public UpLane? Lane => lane;

    public StreamPartition Partition => partition;

    /// <summary>Row id of the entry, where it takes a route.</summary>
    public long Id => at;

    public AfterVector After => after;

    public bool WasTried => wasTried;

    public BatchHeader Header { get; } = batch.Header;

    /// <summary>The batch; gone when all of it is done.</summary>
    public EventBatch Batch => _batch ?? throw new InvalidOperationException("the batch is done");

    /// <summary>Bytes that it takes in memory.</summary>
    public int Bytes { get; } = batch.Bytes.Length;

    /// <summary>Offset behind its last event.</summary>
    public long End => at + Header.Count;

    /// <summary>The first of its sequences that is not another entry's too.</summary>
    public long From { get; set; } = batch.Header.FirstSequence;

    /// <summary>How many of its events are not done yet.</summary>
    public long Left { get; private set; } = batch.Header.Count;

    public bool IsDone => Left <= 0;

    /// <summary>Whether it gives sequences again that were given to other events (rule R7): its device's outbox was put back from an old
    /// copy. It is not sent.</summary>
    public bool IsPutBack { get; set; }

    /// <summary>Its events before <see cref="From"/> are another entry's.</summary>
    public void LeaveOut(long sequences) => Left -= sequences;

    /// <summary>Events are done; whether all are now, and it holds no memory any more.</summary>
    public bool Done(long first, long last)
    {
        Left -= Math.Max(0, Math.Min(last, Header.LastSequence) - Math.Max(first, From) + 1);
        _batch = IsDone ? null : _batch;
        return IsDone;
    }
}

/// <summary>A lane that goes up.</summary>
/// <param name="lane">The lane.</param>
/// <param name="sent">Offset behind the last event that a cluster is known to have.</param>
/// <param name="triedTo">What stands before this offset may have been sent in an earlier life.</param>
internal sealed class UpLane(LaneId lane, long sent, long triedTo)
{
    public LaneId Lane => lane;

    public long TriedTo => triedTo;

    /// <summary>Offset behind the last event that a cluster is known to have.</summary>
    public long Sent { get; private set; } = sent;

    /// <summary>What is read next.</summary>
    public long Next { get; set; } = sent;

    /// <summary>What was read and is not done, or stands behind such.</summary>
    public Queue<UpEntry> Entries { get; } = [];

    /// <summary>Nothing of it goes up before what is read next; whether that moved it.</summary>
    public bool Skip()
    {
        bool moves = Entries.Count == 0 && Sent < Next;
        Sent = moves ? Next : Sent;
        return moves;
    }

    /// <summary>Goes on behind what is done; how many entries that took.</summary>
    public int Advance()
    {
        int taken = 0;
        while (Entries.TryPeek(out UpEntry? first) && first.IsDone)
        {
            Sent = first.End;
            Entries.Dequeue();
            taken++;
        }

        return taken;
    }
}
