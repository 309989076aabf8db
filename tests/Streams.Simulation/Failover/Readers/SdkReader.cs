using System.Buffers;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>An SDK consumer: the product's reader of each partition, what it keeps on the device's disk, and an application that is done
/// with events one after the other.</summary>
/// <remarks>The application's work and the keeping are one transaction: what was handed out and not kept when the process ends is undone
/// with it.</remarks>
internal sealed class SdkReader(World world, string name, string? filter = null) : SimReader(world, name)
{
    private const int Window = 6;

    private readonly SortedDictionary<int, ConsumerPartition> _parts = [];
    private readonly SortedDictionary<int, Kept> _disk = [];
    private readonly List<(Client.GivenEvent Given, int Partition, Generation Generation, int Uid)> _handed = [];
    private readonly List<(Generation Generation, int Uid)> _notKept = [];
    private readonly SimulatedWay<byte[]> _down = new(Window);
    private readonly SimulatedWay<object> _up = new(256);
    private readonly ReaderOutput _output = new();
    private readonly Dictionary<(Generation, int, ProducerId, ulong), long> _keptLast = [];
    private SdkServing? _serving;
    private long _evictAt;

    /// <summary>What is on the disk of one partition.</summary>
    private sealed class Kept
    {
        public Cursor Cursor { get; set; } = Cursor.Start;

        public IReadOnlyList<KeptWait> Waits { get; set; } = [];

        public Dictionary<ProducerEpoch, KeptRuns> Runs { get; } = [];
    }

    public override string? Filter => filter;

    private long Now => World.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public override void Attach(ClusterLife life)
    {
        HangUp();
        Commit();                                        // what is acknowledged is kept before a session begins
        OpenRequest request = new(1, Consumer, World.Stream, [], StartPosition.Earliest, 1 << 20,
            [.. _parts.Values.Select(static p => (p.Reader.Partition, p.Durable))]);
        (PartitionId Partition, Cursor Cursor)[] cursors = SdkDecisions.Begin(life.Store, life, request, World.PartitionsAt(life), out _);
        At = life;
        _serving = new SdkServing(World, life, Consumer, filter is null ? EveryEvent.Instance : new OneTopic(filter), cursors);
        Begin(cursors);
        World.Trace?.Add($"{Name} reads at {life.Cluster.Letter} from {string.Join(' ', cursors.Select(c => World.Short(c.Cursor)))}");
    }

    private void Begin((PartitionId Partition, Cursor Cursor)[] cursors)
    {
        foreach ((PartitionId partition, Cursor cursor) in cursors)
        {
            ConsumerPartition part = Part(partition.Value);
            int life = part.Reader.Life;
            part.Reader.Begin(cursor);
            part.Committed = cursor;
            NoteLife(partition.Value, part, life);
        }
    }

    public override void HangUp()
    {
        if (At is null)
        {
            return;
        }

        At = null;
        _serving = null;
        _down.Cut();
        _up.Cut();
        foreach (ConsumerPartition part in _parts.Values)
        {
            part.Reader.EndSession();
            part.Committed = null;
        }
    }

    public override bool Deliver(int partition)
    {
        if (_serving is not { } serving)
        {
            return false;
        }

        if (serving.Grow() is { Length: > 0 } grown)
        {
            World.Tally.Add("partitions that came while a reader was connected", grown.Length);
            Begin(grown);
        }

        if (!serving.Serves(partition))
        {
            return false;
        }

        if (_up.TryArrive(out object request))
        {
            Serve(serving, request);
            return true;
        }

        NoteGaps(partition, serving.Look(partition), origin => serving.Position(partition, origin));
        if (!_down.HasRoom || serving.Next(partition) is not { } delivery)
        {
            return false;
        }

        ArrayBufferWriter<byte> bytes = new(256);
        delivery.Write(bytes);                           // through the wire's own bytes: the reader may keep slices of them
        _down.Send(bytes.WrittenSpan.ToArray());
        return true;
    }

    public override bool Process()
    {
        if (_handed.Count > 0 && World.Chance.Next(2) == 0)
        {
            Acknowledge();
            return true;
        }

        if (!_down.TryArrive(out byte[] bytes))
        {
            if (_handed.Count > 0)
            {
                Acknowledge();
                return true;
            }

            return Tick();
        }

        Delivery delivery = Delivery.Read(bytes) ?? throw new InvalidOperationException("a delivery was not read as it was written");
        ConsumerPartition part = Part(delivery.Partition.Value);
        int life = part.Reader.Life;
        EventBatch? batch = delivery.Kind == DeliveryKind.Events ? EventBatch.Parse(delivery.Batch) : null;
        if (part.Reader.Receive(delivery, batch, Now, _output) is { } fault)
        {
            World.Truth.Fail(Violation.Protocol, $"{Name}: {fault}");
        }

        NoteLife(delivery.Partition.Value, part, life);
        TakeOutput(delivery.Partition.Value, part);
        return true;
    }

    public override bool Commit()
    {
        bool any = false;
        foreach ((int partition, ConsumerPartition part) in _parts)
        {
            if (part.Changes() is { } changed)
            {
                Keep(partition, part, changed);
                any = true;
            }

            if (_serving is not null && part.Committed is { } committed && !ReferenceEquals(committed, part.Durable) && At!.IsWriting)
            {
                part.Committed = part.Durable;
                _up.Send(new CommitRequest(1, part.Reader.Partition, part.Durable));
                any = true;
            }
        }

        EvictIdle();
        return any;
    }

    public override Generation Generation(int partition) => Part(partition).Reader.Confirmed().Generation;

    public override Cursor Confirmed(int partition) => Part(partition).Reader.Confirmed();

    public override Offset Position(int partition, Origin origin) => Part(partition).Reader.Confirmed()[origin];

    /// <summary>The process ends and begins again, from what is on the disk.</summary>
    public void Restart()
    {
        HangUp();
        Record.Undo(_notKept, _keptLast);
        _notKept.Clear();
        _handed.Clear();
        _parts.Clear();
        World.Tally.Add("consumers restarted");
        World.Trace?.Add($"{Name} restarts");
    }

    /// <summary>Another host takes the name over, with nothing of what was kept.</summary>
    public void MoveToNewHost()
    {
        Restart();
        _disk.Clear();
        World.Tally.Add("hosts without memory");
    }

    /// <summary>Time passes for what waits; false when nothing came of it.</summary>
    public bool Tick()
    {
        bool any = false;
        foreach ((int partition, ConsumerPartition part) in _parts)
        {
            part.Reader.Tick(Now, _output);
            any |= _output.Given.Count > 0 || _output.Resumes.Count > 0;
            TakeOutput(partition, part);
        }

        return any;
    }

    private void Serve(SdkServing serving, object request)
    {
        switch (request)
        {
            case CommitRequest commit:
                serving.Commit(commit);
                break;
            case ResumeRequest resume when !serving.Resume(resume):
                World.Truth.Fail(Violation.Protocol,
                    $"{Name} asks to go on at {World.Short(resume.Origin)}@{resume.From}, which was never sent");
                break;
        }
    }

    private void Acknowledge()
    {
        // In the order of each producer: what an application does out of order it cannot expect to see in order after a crash.
        int at = World.Chance.Next(_handed.Count);
        TrueEvent chosen = World.Truth[_handed[at].Uid];
        at = _handed.FindIndex(h => World.Truth[h.Uid].Producer == chosen.Producer && h.Partition == chosen.Partition);
        (Client.GivenEvent given, int partition, Generation _, int _) = _handed[at];
        _handed.RemoveAt(at);
        Part(partition).Reader.Acknowledge(given.Identity, 1, given.Life, Now);
    }

    private void TakeOutput(int partition, ConsumerPartition part)
    {
        foreach (Client.GivenEvent given in _output.Given.SelectMany(static g => g.Each()))
        {
            int uid = Truth.UidOf(given.View);
            Generation generation = Generation(partition);
            if (given.OrderReleased)
            {
                Record.Released(given.Identity.Producer, partition);
            }

            Record.Give(generation, new TruePlace(partition, given.Origin, given.Offset), uid);
            _handed.Add((given, partition, generation, uid));
            _notKept.Add((generation, uid));
        }

        foreach (EventPlace place in _output.Resumes)
        {
            if (_serving is not null)
            {
                _up.Send(new ResumeRequest(1, part.Reader.Partition, place.Origin, place.Offset));
            }
        }

        World.Tally.Add("events held back", _output.HeldBack);
        World.Tally.Add("twins caught by the SDK", _output.TwinsCaught);
        World.Tally.Add("lanes stopped for want of room", _output.LanesStopped);
        World.Tally.Highest("most events held back at once", part.Reader.Held);
        _output.Clear();
    }

    private void Keep(int partition, ConsumerPartition part, KeptPartition changed)
    {
        if (!_disk.TryGetValue(partition, out Kept? kept))
        {
            _disk[partition] = kept = new Kept();
        }

        kept.Cursor = changed.Cursor;
        kept.Waits = changed.Waits;
        foreach (KeptRuns runs in changed.Given)
        {
            if (runs.Runs.Length == 0)
            {
                kept.Runs.Remove(runs.Key);
            }
            else
            {
                kept.Runs[runs.Key] = runs;
            }
        }

        part.Kept(changed.Cursor);
        HashSet<(Generation, int)> open = [.. _handed.Select(static h => (h.Generation, h.Uid))];
        _notKept.RemoveAll(n => World.Truth[n.Uid].Partition == partition && !open.Contains(n) && NoteKept(n.Generation,
            World.Truth[n.Uid]));
    }

    private bool NoteKept(Generation generation, in TrueEvent e)
    {
        (Generation, int, ProducerId, ulong) key = (generation, e.Partition, e.Producer, e.Epoch);
        _keptLast[key] = Math.Max(_keptLast.GetValueOrDefault(key), e.Sequence);
        return true;
    }

    // A rewind begins a new life of the reader: what was handed out before is not acknowledged any more.
    private void NoteLife(int partition, ConsumerPartition part, int life)
    {
        if (part.Reader.Life != life)
        {
            part.Committed = part.Reader.Confirmed();
            _handed.RemoveAll(h => h.Partition == partition);
            World.Tally.Add("rewinds learnt by readers");
            World.Trace?.Add($"{Name} begins again at {World.Short(part.Reader.Confirmed())}");
        }
    }

    private void EvictIdle()
    {
        if (!World.Configuration.Has(Faults.Eviction) || Now < _evictAt)
        {
            return;
        }

        _evictAt = Now + (long)TimeSpan.FromDays(1).TotalMilliseconds;
        foreach ((int partition, ConsumerPartition part) in _parts)
        {
            int evicted = part.Reader.Given.Evict(Now - (long)TimeSpan.FromDays(30).TotalMilliseconds);
            World.Tally.Add("producers forgotten by the SDK after 30 days", evicted);
            foreach (ProducerEpoch key in evicted > 0 ? World.EpochsOf(partition) : [])
            {
                if (part.Reader.Given.Of(key) is null)
                {
                    Record.Evicted(key.Producer, partition, key.Epoch);
                }
            }
        }
    }

    private ConsumerPartition Part(int partition)
    {
        if (_parts.TryGetValue(partition, out ConsumerPartition? part))
        {
            return part;
        }

        Kept kept = _disk.GetValueOrDefault(partition, new Kept());
        PartitionId id = new(partition);
        bool remembers = World.Keeps(Rule.Memory);
        part = new ConsumerPartition(new KeptPartition(id, kept.Cursor, kept.Waits, remembers ? [.. kept.Runs.Values] : []),
            World.ClientOptions,
            new EventContent(World.Stream, id, static (_, _, _, _) => { }, (_, _, _) => { }), World.PassByRules);
        _parts[partition] = part;
        return part;
    }
}
