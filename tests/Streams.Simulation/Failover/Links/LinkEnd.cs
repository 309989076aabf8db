using System.Buffers;
using Streams.Core;
using Streams.Geo;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>One end of a link's connection: a machine of the product, the life it belongs to, and the way that its frames take. Carries out
/// what the machine wants, against the life's container.</summary>
internal sealed class LinkEnd(World world, SimLink link, ILinkMachine machine, ClusterLife life, SimulatedWay<byte[]> output)
{
    private const int StatePieces = 3;

    private readonly FrameWriter _writer = new();
    private IEnumerator<StateItem>? _state;
    private bool _isReading;
    private long _revision;

    public ILinkMachine Machine => machine;

    public ClusterLife Life => life;

    /// <summary>Whether it has hung up, or its process is gone.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Lets the machine do one thing; false when it has nothing to do.</summary>
    public bool Act()
    {
        if (IsOver || !life.IsUp || !output.HasRoom)
        {
            return false;
        }

        machine.Refresh();
        machine.Tick(world.Time.Elapsed);
        if (!machine.TryNext(out LinkAction? action))
        {
            return false;
        }

        Perform(action!);
        return true;
    }

    /// <summary>Takes a frame off the wire.</summary>
    public LinkFrame? Read(byte[] bytes)
    {
        if (IsOver || !life.IsUp)
        {
            return null;
        }

        ReadOnlySequence<byte> sequence = new(bytes);
        return FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out LinkFrame? frame) ? frame
            : throw new InvalidOperationException("a frame was not read as it was written");
    }

    /// <summary>The connection is over; a process that still runs is told.</summary>
    public void End()
    {
        IsOver = true;
        if (life.IsUp)
        {
            machine.End();
        }
    }

    private void Perform(LinkAction action)
    {
        switch (action)
        {
            case SendFrame send:
                Send(send.Frame);
                break;
            case ReadLane read:
                Read(read);
                break;
            case ReadState state:
                ReadState(state);
                break;
            case HangUp hangUp:
                IsOver = true;
                link.HungUp(this, hangUp);
                break;
            case Report report:
                link.Reported(this, report);
                break;
            case OpenIncarnation open:
                life.Cluster.OpenIncarnation(life, open);
                break;
            default:
                world.Go(() => StoreAsync(action));
                break;
        }
    }

    private void Read(ReadLane read)
    {
        ValueTask<LaneSlice> reading = life.Container.ReadAsync(read.Lane, read.From, read.MaxBytes, CancellationToken.None);
        using LaneSlice slice = reading.Result;
        List<LinkFrame> frames = [];
        machine.OnRead(read, slice.Entries, frames);
        foreach (LinkFrame frame in frames)
        {
            Send(frame);
        }
    }

    private void ReadState(ReadState read)
    {
        if (read.Restart || _state is null)
        {
            _state = link.StateOf(life, read.Since, out _revision).GetEnumerator();
            _isReading = _state.MoveNext();
        }

        List<StateItem> items = [];
        while (_isReading && items.Count < StatePieces)
        {
            items.Add(_state.Current);
            _isReading = _state.MoveNext();
        }

        machine.OnState(read, items, last: !_isReading, _revision);
    }

    private async ValueTask StoreAsync(LinkAction action)
    {
        switch (action)
        {
            case IngestEntries ingest:
                await IngestAsync(ingest);
                break;
            case SkipLane skip:
                world.Truth.SkipTo(life, skip.Lane, skip.First, skip.FirstOffset);
                await life.Container.SkipToAsync(skip.Lane, skip.First, skip.FirstOffset, CancellationToken.None);
                Tell(() => machine.OnSkipped(skip));
                break;
            case TakeOutEntries lost:
                IngestResult taken = await life.Container.TakeOutAsync(lost.Lane, lost.First, lost.Next, lost.NextOffset,
                    CancellationToken.None);
                Tell(() => machine.OnTakenOut(lost, taken));
                break;
            case JoinState join:
                IReadOnlyList<StateItem> changed = await life.Container.JoinAsync(join.Items, CancellationToken.None);
                Tell(() => machine.OnJoined(join));
                if (changed.Count > 0 && life.IsUp)
                {
                    world.PassOn(life, machine.Peer, changed);
                }

                break;
            default:
                throw new InvalidOperationException($"{action} is not known to the simulation");
        }
    }

    private async ValueTask IngestAsync(IngestEntries ingest)
    {
        try
        {
            IngestResult result = await life.Container.IngestAsync(ingest.Lane, ingest.Entries, CancellationToken.None);
            Tell(() => machine.OnIngested(ingest, result));
        }
        catch (InvalidRequestException refusal)
        {
            Tell(() => machine.OnRefused(ingest, refusal.Message));
        }
    }

    private void Tell(Action tell)
    {
        if (!IsOver && life.IsUp)
        {
            tell();
        }
    }

    private void Send(LinkFrame frame)
    {
        link.Watch(this, frame);
        ArrayBufferWriter<byte> bytes = new(256);
        _writer.Write(bytes, frame);
        output.Send(bytes.WrittenSpan.ToArray());
    }
}
