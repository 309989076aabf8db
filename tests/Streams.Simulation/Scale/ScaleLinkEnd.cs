using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>One side of a link: its machine while the link is up, the frames on their way to it, and the carrying out of what the machine
/// wants.</summary>
internal sealed class ScaleLinkEnd(ScaleWorld world, ScaleLink link, ScaleCluster at, int milliseconds)
{
    private readonly Queue<(long Due, LinkFrame Frame)> _coming = new();
    private readonly List<LinkFrame> _frames = [];
    private PathWatch _watch = new(world.Wire);
    private IEnumerator<StateItem>? _state;
    private long _revision;

    public ScaleLinkEnd Other { get; set; } = null!;

    public ScaleCluster At => at;

    public ILinkMachine? Machine { get; private set; }

    public bool IsMarked { get; set; }

    /// <summary>When the next frame arrives.</summary>
    public long NextDue => _coming.TryPeek(out (long Due, LinkFrame) next) ? next.Due : long.MaxValue;

    public void Start(ILinkMachine machine)
    {
        Machine = machine;
        machine.Tick(at.Clock);
        at.Mark(this);
    }

    public void Stop()
    {
        Machine?.End();
        Machine = null;
        _coming.Clear();
        _state = null;
        _watch.Forget();
    }

    /// <summary>It begins no more: its memory is given back.</summary>
    public void Remove()
    {
        Stop();
        _coming.TrimExcess();
        _frames.Clear();
        _frames.TrimExcess();
        _watch = new PathWatch(world.Wire);
    }

    /// <summary>Takes in the frames that have arrived.</summary>
    public void Deliver(long now)
    {
        while (NextDue <= now)
        {
            (_, LinkFrame frame) = _coming.Dequeue();
            _watch.Came(frame, at);
            Machine?.Receive(frame);
            at.Mark(this);
        }
    }

    /// <summary>Lanes of the store have grown.</summary>
    public void Refresh(List<LaneStatus> grown)
    {
        if (Machine is LinkSender sender)
        {
            foreach (LaneStatus lane in grown)
            {
                sender.Refresh(lane.Lane);
            }

            at.Mark(this);
        }
    }

    /// <summary>Tells the machine the time.</summary>
    public void Tick()
    {
        if (Machine is LinkReceiver receiver)
        {
            receiver.Tick(at.Clock);
            at.Mark(this);
        }
    }

    /// <summary>Carries out what the machine wants until it wants nothing.</summary>
    public void Act()
    {
        while (Machine is { } machine && machine.TryNext(out LinkAction? action))
        {
            Perform(machine, action!);
        }
    }

    private void Perform(ILinkMachine machine, LinkAction action)
    {
        switch (action)
        {
            case SendFrame send:
                Send(send.Frame);
                break;
            case ReadLane read:
                Read(machine, read);
                break;
            case ReadState read:
                ReadPiece(machine, read);
                break;
            case IngestEntries ingest:
                _ = IngestAsync(machine, ingest);
                break;
            case SkipLane skip:
                world.Violation($"{at.Name}: {skip.Lane} is to begin at entry {skip.First}, but nothing was removed anywhere");
                break;
            case JoinState join:
                _ = JoinAsync(machine, join);
                break;
            case OpenIncarnation open:
                world.Violation($"{at.Name} opens a new incarnation: {open.Reason}");
                break;
            case Report report:
                world.Reported(report);
                break;
            case HangUp hangUp:
                link.HungUp(hangUp);
                break;
            default:
                throw new InvalidOperationException($"{action.GetType().Name} is not known here");
        }
    }

    private void Send(LinkFrame frame)
    {
        _watch.Sent(frame, Other.At.Origin, world.Ledger);
        long due = world.Time.Now + milliseconds;
        Other._coming.Enqueue((due, world.Wire.Sent(frame, link.IsStarting)));
        link.IsStarting &= frame is not StateEndFrame;
        Other.At.TurnAt(due);
    }

    private void Read(ILinkMachine machine, ReadLane read)
    {
        ValueTask<LaneSlice> task = at.Store.ReadAsync(read.Lane, read.From, read.MaxBytes, default);
        using LaneSlice slice = task.IsCompleted ? task.GetAwaiter().GetResult()
            : throw new InvalidOperationException("the disk of a world answers at once");
        LaneEntry[] entries = new LaneEntry[slice.Entries.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = world.Ledger.Same(read.Lane, slice.Entries[i], out string? fault);
            if (fault is not null)
            {
                world.Violation($"{at.Name}: {fault}");
            }
        }

        _frames.Clear();
        machine.OnRead(read, entries, _frames);
        for (int i = 0; i < _frames.Count; i++)
        {
            Send(_frames[i]);
        }
    }

    private void ReadPiece(ILinkMachine machine, ReadState read)
    {
        _state = read.Restart ? at.Store.State(read.Since, out _revision).GetEnumerator() : _state;
        List<StateItem> items = [];
        int bytes = 0;
        while (items.Count < LinkLimits.ItemsPerFrame && bytes < read.MaxBytes)
        {
            if (_state is null || !_state.MoveNext())
            {
                _state = null;
                break;
            }

            items.Add(_state.Current);
            bytes += LinkLimits.CostOf(_state.Current);
        }

        machine.OnState(read, items, last: _state is null, _revision);
    }

    private async Task IngestAsync(ILinkMachine machine, IngestEntries ingest)
    {
        try
        {
            IngestResult result = await at.IngestAsync(ingest);
            if (machine == Machine)
            {
                machine.OnIngested(ingest, result);
                at.Mark(this);
            }
        }
        catch (Exception cause)
        {
            world.Violation($"{at.Name} does not take {ingest.Lane} from entry {ingest.Entries[0].Number} on: {cause.Message}");
        }
    }

    private async Task JoinAsync(ILinkMachine machine, JoinState join)
    {
        try
        {
            IReadOnlyList<StateItem> changed = await at.Store.JoinAsync(join.Items, default);
            if (machine == Machine)
            {
                machine.OnJoined(join);
                at.Mark(this);
            }

            foreach (ScaleLinkEnd end in changed.Count > 0 ? at.Ends : [])
            {
                if (end.Machine is LinkSender sender && end.Other.At != Other.At)
                {
                    sender.PassOn(changed);
                    at.Mark(end);
                }
            }
        }
        catch (Exception cause)
        {
            world.Violation($"{at.Name} does not join state: {cause.Message}");
        }
    }
}
