using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Simulation;

/// <summary>One cluster: its store, and the ends of the links that begin or end here. What comes at one moment is taken in together, in one
/// turn.</summary>
internal sealed class ScaleCluster(ScaleWorld world, int number) : ILaneHeads, IScheduled
{
    private const int TickMilliseconds = 200;

    private readonly Queue<ScaleLinkEnd> _marked = new();
    private readonly List<LaneStatus> _lanes = [];
    private readonly Queue<Action> _requests = new();
    private int[] _heads = new int[16];
    private long _mark;
    private long _turnAt = long.MaxValue;
    private bool _inTurn;
    private bool _grown;
    private Container? _store;

    public int Number => number;

    public ClusterName Name { get; } = ClusterName.Parse($"c{number}");

    public Container Store => _store!;

    public List<ScaleLinkEnd> Ends { get; } = [];

    public ReachSet Reach { get; private set; } = null!;

    /// <summary>What its incoming links share.</summary>
    public IncomingMemory Incoming { get; private set; } = new();

    /// <summary>The time that machines are told.</summary>
    public TimeSpan Clock => TimeSpan.FromMilliseconds(world.Time.Now);

    /// <summary>Whether it keeps all bytes of its log, to be compared in the end.</summary>
    public bool Keeps => number % Math.Max(1, world.Options.Clusters / ScaleWorld.Compared) == 0;

    public Origin Origin => Store.Origin;

    public IReadOnlyList<LaneStatus> Lanes() => Store.Lanes();

    public LaneStatus? Lane(LaneId lane) => Store.Lane(lane);

    public IReadOnlyList<DamagedRange> Damaged() => Store.Damaged();

    public Incarnation? LatestIncarnation(ClusterName cluster) => Store.LatestIncarnation(cluster);

    /// <summary>Opens the store; to be called in the world's thread.</summary>
    public void Open()
    {
        ContainerOptions options = new()
        {
            Disk = new PassingDisk(world.Disks, Keeps),
            SegmentBytes = world.Disks.SegmentBytes,
            AllocationBytes = world.Disks.SegmentBytes,
            PendingBytes = 1 << 20,
            GroupBytes = 64 << 10,
        };
        _store = Done(Container.OpenAsync(options, world.Time, new Random(world.Chance.Next()), NullLogger.Instance, default));
        ValueTask writing = Store.StartWritingAsync(new Origin(Name, Incarnation.After(default, world.Time, world.Chance)), default);
        world.Pump.Drain();
        writing.GetAwaiter().GetResult();
        Reach = new ReachSet([Name]);
        Store.Watch(() => _grown = true);
        world.After(world.Chance.Next(TickMilliseconds), Tick);
    }

    /// <summary>How much it holds of a lane, by the ledger's number.</summary>
    public int Head(int lane) => lane >= 0 && lane < _heads.Length ? _heads[lane] : 0;

    /// <summary>All links to it are gone for good.</summary>
    public void ForgetLinks() => Incoming = new IncomingMemory();

    /// <summary>Something is asked of this cluster, now.</summary>
    public void Ask(Action request)
    {
        _requests.Enqueue(request);
        TurnAt(world.Time.Now);
    }

    /// <summary>The next turn is no later than the first one from <paramref name="time"/> on.</summary>
    public void TurnAt(long time)
    {
        int every = world.Options.TurnMilliseconds;
        long at = (time + every - 1) / every * every;
        if (at < _turnAt && !_inTurn)
        {
            _turnAt = at;
            world.Time.At(at, this);
        }
        else if (_inTurn)
        {
            _turnAt = Math.Min(_turnAt, at);
        }
    }

    /// <summary>The end has something to do.</summary>
    public void Mark(ScaleLinkEnd end)
    {
        if (!end.IsMarked)
        {
            end.IsMarked = true;
            _marked.Enqueue(end);
            TurnAt(world.Time.Now);
        }
    }

    /// <summary>A turn: what has come is taken in, and everything that follows from it here is done.</summary>
    public void Happen()
    {
        if (world.Time.Now != _turnAt)
        {
            return; // an earlier turn was planned after this one
        }

        _turnAt = long.MaxValue;
        _inTurn = true;
        for (int i = 0; i < Ends.Count; i++)
        {
            Ends[i].Deliver(world.Time.Now);
        }

        while (_requests.TryDequeue(out Action? request))
        {
            request();
        }

        Settle();
        _inTurn = false;
        long next = long.MaxValue;
        for (int i = 0; i < Ends.Count; i++)
        {
            next = Math.Min(next, Ends[i].NextDue);
        }

        _turnAt = long.MaxValue;
        if (next < long.MaxValue)
        {
            TurnAt(Math.Max(next, world.Time.Now + 1));
        }
    }

    /// <summary>Entries of a lane from a link.</summary>
    public async ValueTask<IngestResult> IngestAsync(IngestEntries ingest)
    {
        if (world.Loses is { } loses && ingest.Entries.Any(entry => loses(number, ingest.Lane, entry)))
        {
            return new IngestResult(IngestOutcome.Taken, ingest.Entries[^1].Number + 1);
        }

        IngestResult result = await Store.IngestAsync(ingest.Lane, ingest.Entries, default);
        if (Store.Lane(ingest.Lane) is { } status)
        {
            world.Wire.Duplicates += ingest.Entries.Count - world.Ledger.Arrived(ingest.Lane, status.NextEntry, ref _heads);
        }

        return result;
    }

    private void Settle()
    {
        world.Pump.Drain();
        while (_marked.Count > 0 || _grown)
        {
            if (_grown)
            {
                Grown();
            }

            while (_marked.TryDequeue(out ScaleLinkEnd? end))
            {
                end.IsMarked = false;
                end.Act();
            }

            world.Pump.Drain();
        }
    }

    private void Grown()
    {
        _grown = false;
        LaneId own = new(ScaleWorld.Partition, Origin);
        if (Store.Lane(own) is { } status)
        {
            world.Ledger.Grew(own, number, status.NextEntry, ref _heads);
        }

        _lanes.Clear();
        _mark = Store.Grown(_mark, _lanes);
        foreach (ScaleLinkEnd end in Ends)
        {
            end.Refresh(_lanes);
        }
    }

    private void Tick()
    {
        Ask(() =>
        {
            foreach (ScaleLinkEnd end in Ends)
            {
                end.Tick();
            }
        });
        world.After(TickMilliseconds, Tick);
    }

    private T Done<T>(ValueTask<T> task)
    {
        world.Pump.Drain();
        return task.IsCompleted ? task.GetAwaiter().GetResult()
            : throw new InvalidOperationException("the store waits for something outside of the world");
    }
}
