using System.Diagnostics;
using Streams.EndToEnd.Tests;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>One run of a row: a device with a new outbox and a stream of its own, the fault, and what is counted afterwards.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private const string Name = "car";

    private readonly List<TableProcess> _processes = [];
    private readonly List<long> _marks = [];
    private int _traces;
    private int _lives;

    public FaultRun(FaultWorld world, string id, SeededRandom chance)
    {
        World = world;
        Chance = chance;
        Directory = world.Directory.CreateDirectory(id);
        Stream = "/" + id;
        Log = new DeviceLog(Path.Combine(Directory, "device.log"));
        Order = new DeviceOrder
        {
            Name = Name,
            Outbox = Path.Combine(Directory, "outbox.db"),
            Stream = Stream,
            Clusters = world.Doors,
            Seed = chance.Next(),
        };
    }

    public FaultWorld World { get; }

    public SeededRandom Chance { get; }

    /// <summary>A folder of this run, on the sound disk.</summary>
    public string Directory { get; }

    public string Stream { get; }

    /// <summary>What the device told, over all its lives.</summary>
    public DeviceLog Log { get; }

    /// <summary>What a device of this run is to do unless a row says otherwise.</summary>
    public DeviceOrder Order { get; set; }

    /// <summary>Whether the row has a policy under which events may be dropped.</summary>
    public bool MayDrop { get; set; }

    /// <summary>Further things that must hold, told by the row.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Whether the fault was met. A run in which it was not proves nothing and is played again.</summary>
    public bool IsHit { get; set; } = true;

    public string TraceFile => Path.Combine(Directory, $"trace-{_traces++}");

    /// <summary>Starts the device, or starts it again after its end: it goes on with the numbers behind those it had begun.</summary>
    public TableProcess StartDevice(IReadOnlyList<string>? under = null)
    {
        Log.Refresh();
        var order = Order with { First = Log.LastBegun + 1, Seed = unchecked(Order.Seed + _lives++) };
        return Started(TableProcess.Start("device", order, Log, under));
    }

    /// <summary>Keeps a process with the run: whatever happens, it ends with it.</summary>
    public TableProcess Started(TableProcess process)
    {
        _processes.Add(process);
        return process;
    }

    /// <summary>From now on it is counted how long it takes until an event is acknowledged whose publishing begins later.</summary>
    public void Mark() => _marks.Add(Stopwatch.GetTimestamp());

    /// <summary>Waits until so many more events than now are acknowledged.</summary>
    public async Task AcknowledgedAsync(TableProcess device, int more)
    {
        Log.Refresh();
        var goal = Log.Stored.Count + more;
        await device.ToldAsync(log => log.Stored.Count >= goal, $"{goal} events are acknowledged");
        if (device.HasExited && Log.Stored.Count < goal)
        {
            throw new NotReachedException($"the device ended before {goal} events were acknowledged: {Log.Unopened} {device.Report}");
        }
    }

    /// <summary>Waits until so many more events than now are published.</summary>
    public async Task PublishedAsync(TableProcess device, int more)
    {
        Log.Refresh();
        var goal = Log.Published.Count + more;
        await device.ToldAsync(log => log.Published.Count >= goal, $"{goal} events are published");
    }

    /// <summary>The device sends everything and ends.</summary>
    public async Task FinishAsync(TableProcess device) => await device.FinishAsync();

    /// <summary>Reads at every cluster and compares.</summary>
    public async Task<Tally> JudgeAsync(Sabotage sabotage)
    {
        Log.Refresh();
        if (World.Ring is { } ring)
        {
            await ring.LevelAsync(Stream);
        }

        var all = new Tally { Findings = [.. Findings] };
        foreach (var (index, cluster) in World.Clusters.Index())
        {
            var seen = await WholeStream.ReadAsync(cluster, Stream, Path.Combine(Directory, $"judge-{index}.db"));
            if (index == 0)
            {
                Saboteur.Strike(sabotage, seen, Chance);
            }

            var tally = Judge.Compare(Log, seen, MayDrop);
            all = all.Plus(index == 0 ? tally : tally with { Published = 0, Acknowledged = 0, Dropped = 0, ToldByGaps = 0 });
        }

        return all;
    }

    /// <summary>How long it took to go on, for each mark; none for a mark behind which nothing was acknowledged.</summary>
    public IReadOnlyList<TimeSpan> GoneOnAfter()
    {
        var behind = Log.Stored.Where(stored => Log.Begun.ContainsKey(stored.Key))
            .Select(stored => (Begun: Log.Begun[stored.Key], Stored: stored.Value)).ToList();
        return
        [
            .. _marks.Select(mark => behind.Where(one => one.Begun >= mark).Min(one => (long?)one.Stored) - mark ?? long.MaxValue)
                .Where(ticks => ticks < long.MaxValue / 2).Select(ticks => TimeSpan.FromSeconds(ticks / (double)Stopwatch.Frequency)),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }
}
