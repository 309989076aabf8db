using System.Diagnostics;
using System.Globalization;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>What a play has shown, as a table: first what follows from the seed, then what the machine it ran on adds.</summary>
internal sealed class ScaleFigures
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(4);

    private readonly List<(string Name, string Value)> _rows = [];
    private TimeSpan _told;
    private int _clusters, _links, _lanes;

    public Stopwatch Watch { get; } = new();

    /// <summary>Memory without that of the logs, which no disk would keep there: before the stores were open, when they were, when the
    /// links were up, in the end, and in the end without links.</summary>
    public long MemoryBefore { get; set; }

    /// <inheritdoc cref="MemoryBefore"/>
    public long MemoryOpened { get; set; }

    /// <inheritdoc cref="MemoryBefore"/>
    public long MemoryLinked { get; set; }

    /// <inheritdoc cref="MemoryBefore"/>
    public long MemoryFull { get; set; }

    /// <inheritdoc cref="MemoryBefore"/>
    public long MemoryUnlinked { get; set; }

    /// <summary>Events sent over links when all clusters had everything.</summary>
    public long EventsSent { get; set; }

    /// <summary>From the last write to the last arrival.</summary>
    public long Converged { get; set; }

    /// <summary>How often a receiver asked for entries again.</summary>
    public long Asked { get; set; }

    /// <summary>Bytes with which all links began when there was no lane yet.</summary>
    public long FirstStartBytes { get; set; }

    /// <summary>Copies sent for each event and each cluster but its own; 1 is ideal.</summary>
    public double Copies { get; private set; }

    public long Events { get; private set; }

    public int Moves { get; private set; }

    public int Cuts { get; private set; }

    /// <summary>What follows from the seed alone.</summary>
    public string Table => string.Join('\n', _rows.Select(r => $"{r.Name,-44} {r.Value}"));

    /// <summary>Memory and time.</summary>
    public string Costs
    {
        get
        {
            double perLane = (double)(MemoryUnlinked - MemoryOpened) / _clusters / Math.Max(1, _lanes);
            double idleLink = (double)(MemoryLinked - MemoryOpened) / _links;
            double laneOfLink = (double)(MemoryFull - MemoryUnlinked) / _links / Math.Max(1, _lanes);
            using Process process = Process.GetCurrentProcess();
            return string.Join('\n',
                Row("memory per store without lanes, bytes", (double)(MemoryOpened - MemoryBefore) / _clusters),
                Row("memory per lane at rest in a store, bytes", perLane),
                Row("memory per link without lanes, bytes", idleLink),
                Row("memory per lane of a link at rest, bytes", laneOfLink),
                Row("memory at the end without logs, MiB", (MemoryFull) / 1048576.0),
                Row("peak memory of the process, MiB", process.PeakWorkingSet64 / 1048576.0),
                Row("wall time, s", Watch.Elapsed.TotalSeconds));
        }
    }

    public static long Memory() => GC.GetTotalMemory(forceFullCollection: true);

    public bool IsTimeToTell()
    {
        bool due = Watch.Elapsed - _told > TellEvery;
        _told = due ? Watch.Elapsed : _told;
        return due;
    }

    /// <summary>Reads everything off a world that has come to rest.</summary>
    public void Read(ScaleWorld world, IReadOnlyList<ScaleLink> links, FlappingLinks flapping)
    {
        _clusters = world.Clusters.Count;
        _links = links.Count;
        _lanes = world.Ledger.Lanes.Count;
        Events = world.Ledger.Lanes.Sum(l => l.Entries.Sum(e => e?.EventCount ?? 0));
        Copies = (double)EventsSent / Math.Max(1, Events * (_clusters - 1));
        Moves = world.Devices.Sum(d => d.Moves);
        Cuts = flapping.Cuts;
        (int hops, int milliseconds) = world.Graph.Diameter();
        WireCount wire = world.Wire;
        Add("topology", world.Graph.Name);
        Add("clusters", _clusters);
        Add("links, one way", _links);
        Add("diameter", $"{hops} hops, {milliseconds} ms");
        Add("lanes", _lanes);
        Add("events", Events);
        Add("entries", world.Ledger.Lanes.Sum(l => l.Entries.Count));
        Add("moves of devices", Moves);
        Add("events that stand twice", world.Twins);
        Add("pairs of links cut", Cuts);
        Add("link starts", wire.Starts);
        Add("copies sent per event and cluster", Copies.ToString("F3", CultureInfo.InvariantCulture));
        Add("entries sent", wire.EntriesSent);
        Add("entries that were there already", wire.Duplicates);
        Add("entries asked for though on the path", wire.AskedOnPath);
        Add("lanes asked for again", Asked);
        Add("from birth to the last cluster, mean, ms", world.Ledger.Spread.Milliseconds / Math.Max(1, world.Ledger.Spread.Entries));
        Add("from the last write to the last arrival, ms", Converged);
        foreach (FrameType type in Enum.GetValues<FrameType>())
        {
            if (wire.Frames(type) > 0)
            {
                string marks = wire.Marks(type) > 0 ? $", {wire.Marks(type)} marks" : "";
                Add($"{type} frames", $"{wire.Frames(type)}, {wire.Bytes(type)} bytes{marks}");
            }
        }

        Add("bytes of a first link start, no lanes, mean", FirstStartBytes / Math.Max(1, links.Count));
        Add("bytes of a later link start, mean", (wire.StartBytes - FirstStartBytes) / Math.Max(1, wire.Starts - links.Count));
        Add("virtual time, ms", world.Time.Now);
        Add("violations", world.Violations.Count);
    }

    private static string Row(string name, double value) =>
        string.Create(CultureInfo.InvariantCulture, $"{name,-44} {value:F0}");

    private void Add(string name, object value) => _rows.Add((name, Convert.ToString(value, CultureInfo.InvariantCulture)!));
}
