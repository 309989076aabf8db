using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>A link between two stores without any I/O: two machines and the frames on their way.</summary>
internal sealed class MachineLink(MiniWorld world, string from, string to)
{
    private readonly List<(ILinkMachine Machine, LinkAction Action)> _later = [];
    private readonly Dictionary<LaneId, long> _asked = [];
    private readonly List<LaneId> _numbers = [];
    private readonly List<StreamPath> _streams = [];
    private readonly List<Origin> _origins = [];
    private bool _listing;

    public string From => from;

    public string To => to;

    public LinkSender? Sender { get; private set; }

    public LinkReceiver? Receiver { get; private set; }

    public Queue<LinkFrame> Forth { get; } = new();

    public Queue<LinkFrame> Back { get; } = new();

    /// <summary>Whether an entry was lost on a connection that is still up, which only TCP's own faults could do.</summary>
    public bool HasLost { get; private set; }

    public bool IsUp => Sender is not null;

    /// <summary>Connected, but nothing passes.</summary>
    public bool IsStalled { get; set; }

    /// <summary>Mending leaves it down.</summary>
    public bool IsDown { get; set; }

    public bool IsQuiet => IsUp && Forth.Count + Back.Count + _later.Count == 0;

    public void Connect()
    {
        Sender = new LinkSender(new(ClusterName.Parse(to), SliceBytes: 600, StateChunkBytes: 200), world[from],
            new ReachSet([ClusterName.Parse(from)]), world.Rule, world.Outgoing(this));
        Receiver = new LinkReceiver(new(CreditBytes: 2500, SliceBytes: 400, world.FeedPatienceMs), world[to], world.Incoming(to));
        Tick();
    }

    public void Tick()
    {
        Sender?.Tick(world.Time);
        Receiver?.Tick(world.Time);
    }

    public void Cut()
    {
        Sender?.End();
        Receiver?.End();
        (Sender, Receiver, HasLost, _listing) = (null, null, false, false);
        Forth.Clear();
        Back.Clear();
        _later.Clear();
        _asked.Clear();
    }

    /// <summary>One thing happens; false when nothing is to be done.</summary>
    public bool Step(Random chance, bool faults)
    {
        if (!IsUp || IsStalled)
        {
            return false;
        }

        foreach (var way in Shuffled(chance, 5))
        {
            var done = way switch
            {
                0 => Deliver(Forth, Receiver!, chance, faults),
                1 => Deliver(Back, Sender!, chance, faults),
                2 => Act(Sender!, world[from], Forth, chance, faults),
                3 => Act(Receiver!, world[to], Back, chance, faults),
                _ => Late(chance),
            };
            if (done || !IsUp)
            {
                return true;
            }
        }

        return false;
    }

    private static int[] Shuffled(Random chance, int count)
    {
        var ways = Enumerable.Range(0, count).ToArray();
        chance.Shuffle(ways);
        return ways;
    }

    private bool Deliver(Queue<LinkFrame> queue, ILinkMachine machine, Random chance, bool faults)
    {
        if (!queue.TryPeek(out var frame))
        {
            return false;
        }

        var repeatable = frame is EntryFrame or SkipFrame or StateFrame or HeadsFrame or AckFrame;
        if (faults && repeatable && chance.Next(12) == 0)
        {
            world.Repeated++; // delivered, and stays in the queue
        }
        else
        {
            queue.Dequeue();
        }

        if (faults && frame is EntryFrame && chance.Next(40) == 0)
        {
            world.Lost++;
            HasLost = true;
            return true;
        }

        // Through the codec: what the machines say must survive the wire.
        System.Buffers.ArrayBufferWriter<byte> bytes = new();
        new FrameWriter().Write(bytes, frame);
        System.Buffers.ReadOnlySequence<byte> sequence = new(bytes.WrittenMemory.ToArray());
        Assert.True(FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out var read));
        if (read is FeedFrame feed)
        {
            NoteAsked(feed);
        }

        machine.Receive(read!);
        return true;
    }

    private bool Act(ILinkMachine machine, MemoryLaneStore store, Queue<LinkFrame> output, Random chance, bool faults)
    {
        if (output.Count > 30 || !machine.TryNext(out var action))
        {
            return false;
        }

        if (action is SendFrame send)
        {
            Check(send.Frame);
            output.Enqueue(send.Frame);
        }
        else if (action is ReadLane or ReadState or HangUp or OpenIncarnation or Report || chance.Next(3) > 0)
        {
            Perform(machine, store, action!, output);
        }
        else
        {
            _later.Add((machine, action!));
        }

        return true;
    }

    private bool Late(Random chance)
    {
        if (_later.Count == 0)
        {
            return false;
        }

        var at = chance.Next(_later.Count);
        var (machine, action) = _later[at];
        _later.RemoveAt(at);
        Perform(machine, machine == Sender ? world[from] : world[to], action, machine == Sender ? Forth : Back);
        return true;
    }

    private void Perform(ILinkMachine machine, MemoryLaneStore store, LinkAction action, Queue<LinkFrame> output)
    {
        switch (action)
        {
            case ReadLane read:
                List<LinkFrame> frames = [];
                Read(machine, store, read, frames);
                frames.ForEach(Check);
                frames.ForEach(output.Enqueue);
                break;
            case ReadState state:
                StateItem[] items = [.. store.State(state.Since, out var revision)];
                world.StateItems += items.Length;
                world.StateItemsSpared += state.Since == 0 ? 0 : store.State(0, out _).Count() - items.Length;
                machine.OnState(state, items, last: true, revision);
                break;
            case IngestEntries ingest:
                machine.OnIngested(ingest, store.IngestAsync(ingest.Lane, ingest.Entries, default).Result);
                break;
            case TakeOutEntries lost:
                machine.OnTakenOut(lost, store.TakeOutAsync(lost.Lane, lost.First, lost.Next, lost.NextOffset, default).Result);
                break;
            case SkipLane skip:
                store.SkipToAsync(skip.Lane, skip.First, skip.FirstOffset, default).AsTask().Wait();
                machine.OnSkipped(skip);
                break;
            case JoinState join:
                var changed = store.JoinAsync(join.Items, default).Result;
                machine.OnJoined(join);
                if (changed.Count > 0)
                {
                    world.PassOn(store.Origin.Cluster.Value, this, changed);
                }

                break;
            case OpenIncarnation open when store.Origin == open.Seen:
                store.OpenIncarnationAsync(open.Reason, default).AsTask().Wait();
                break;
            case HangUp hangUp:
                world.Log.Add($"{from}→{to}: {hangUp.Reason}");
                world.Faults += hangUp.Fault ? 1 : 0;
                Cut();
                break;
            default:
                break;
        }
    }

    private static void Read(ILinkMachine machine, MemoryLaneStore store, ReadLane read, List<LinkFrame> frames)
    {
        IReadOnlyList<LaneEntry> entries;
        try
        {
            entries = store.ReadAsync(read.Lane, read.From, read.MaxBytes, default).GetAwaiter().GetResult().Entries;
        }
        catch (InvalidFormatException damaged)
        {
            machine.OnDamaged(read, damaged.Message, store.Lost(read.Lane, read.From), frames);
            return;
        }

        machine.OnRead(read, entries, frames);
    }

    /// <summary>A list begins again behind the lanes that the receiver knows.</summary>
    private void GoBack(int known)
    {
        if (Sender is { IsRunning: false } && !_listing)
        {
            _listing = true;
            world.Resumed += Sender.IsResumed ? 1 : 0;
            world.Begun += Sender.IsResumed ? 0 : 1;
            world.LanesSpared += known;
        }

        if (known < _numbers.Count)
        {
            _numbers.RemoveRange(known, _numbers.Count - known);
            _streams.Clear();
            _streams.AddRange(_numbers.Select(lane => lane.Partition.Stream).Distinct());
            _origins.Clear();
            _origins.AddRange(_numbers.Select(lane => lane.Origin).Distinct());
        }
    }

    /// <summary>What the sender holds of a lane when it is asked for it is asked for.</summary>
    private void NoteAsked(FeedFrame feed)
    {
        foreach (var id in feed.Lanes.Where(lane => lane.On).Select(lane => _numbers[lane.Number]))
        {
            _asked[id] = Math.Max(_asked.GetValueOrDefault(id), world[from].Lane(id)?.NextEntry.Value ?? 0);
        }
    }

    /// <summary>Watches the wire, independent of the sender's own counts: what names the receiver on its path must have been asked
    /// for.</summary>
    private void Check(LinkFrame frame)
    {
        switch (frame)
        {
            case LanesFrame lanes:
                GoBack(lanes.First);
                _streams.AddRange(lanes.Streams);
                _origins.AddRange(lanes.Origins);
                _numbers.AddRange(lanes.Lanes.Select(lane =>
                    new LaneId(new StreamPartition(_streams[lane.Stream], lane.Partition), _origins[lane.Origin])));
                break;
            case AskFrame ask:
                _asked[_numbers[ask.Number]] = Math.Max(_asked.GetValueOrDefault(_numbers[ask.Number]), ask.UpTo.Value);
                break;
            case EntryFrame entry:
                var id = _numbers[entry.Number];
                world.Copies++;
                var onPath = entry.Entry.Path.Contains(Receiver!.Self);
                var asked = entry.Entry.Number.Value < _asked.GetValueOrDefault(id);
                world.AskedOnPath += onPath && asked ? 1 : 0;
                world.OfferedOnPath += onPath && !asked ? 1 : 0;
                break;
            default:
                break;
        }
    }
}
