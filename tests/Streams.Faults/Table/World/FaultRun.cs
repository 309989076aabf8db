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
    private readonly Stack<object> _kept = [];
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

    /// <summary>What a reading process told, over all its lives; <see langword="null"/> when the row has none.</summary>
    public DeviceLog? Reading { get; private set; }

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

    /// <summary>Starts a process that reads the stream all the time, or starts it again with the same memory.</summary>
    public TableProcess StartReader(IReadOnlyList<string>? under = null)
    {
        Reading ??= new DeviceLog(Path.Combine(Directory, "reader.log"));
        Reading.Refresh();
        var order = Order with
        {
            Name = "back-end", Outbox = Path.Combine(Directory, "back-end.db"), Seed = unchecked(Order.Seed + _lives++),
        };
        return Started(TableProcess.Start("reader", order, Reading, under));
    }

    // Whatever happens, it ends with the run.
    private TableProcess Started(TableProcess process)
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

        Reading?.Refresh();
        return Reading is null ? all : all.Plus(ReaderJudge.Compare(Log, Reading));
    }

    /// <summary>How long it took to go on, for each mark, the reading process where there is one, else the device; none for a mark behind
    /// which nothing came.</summary>
    public IReadOnlyList<TimeSpan> GoneOnAfter()
    {
        var came = Reading is null
            ? Log.Stored.Select(one => (Number: one.Key, Time: one.Value))
            : Reading.Given.Select(one => (one.Number, one.Time));
        var behind = came.Where(one => Log.Begun.ContainsKey(one.Number))
            .Select(one => (Begun: Log.Begun[one.Number], Stored: one.Time)).ToList();
        return
        [
            .. _marks.Select(mark => behind.Where(one => one.Begun >= mark).Min(one => (long?)one.Stored) - mark ?? long.MaxValue)
                .Where(ticks => ticks < long.MaxValue / 2).Select(ticks => TimeSpan.FromSeconds(ticks / (double)Stopwatch.Frequency)),
        ];
    }

    /// <summary>Takes something away, behind the processes, when the run is over.</summary>
    public T Keep<T>(T kept)
        where T : class
    {
        _kept.Push(kept);
        return kept;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        while (_kept.TryPop(out var kept))
        {
            if (kept is IAsyncDisposable one)
            {
                await one.DisposeAsync();
            }
            else
            {
                (kept as IDisposable)?.Dispose();
            }
        }
    }
}
