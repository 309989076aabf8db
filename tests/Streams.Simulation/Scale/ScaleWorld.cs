using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>Thousands of clusters in one thread and in virtual time, all following from one seed: real stores and the real machines of
/// links, between disks and a network in memory.</summary>
internal sealed class ScaleWorld
{
    public const int Topics = 16;

    /// <summary>So many clusters are compared byte for byte in the end.</summary>
    public const int Compared = 8;

    /// <summary>One partition, so that there is one lane for each cluster.</summary>
    public static readonly StreamPartition Partition = new(StreamPath.Parse("/fleet"), new PartitionId(0));

    private const int SegmentBytes = 32 << 10;
    private const int SettleMilliseconds = 3000;
    private const int QuietMilliseconds = 3000;
    private const int MostViolations = 20;

    private readonly List<string> _violations = [];
    private readonly List<ScaleLink> _links = [];
    private readonly List<(ScaleLink, ScaleLink)> _pairs = [];
    private readonly ScaleFigures _figures = new();
    private readonly Action<string> _progress;
    private readonly FlappingLinks _flapping;
    private long _lastWrite;

    public ScaleWorld(ScaleOptions options, Action<string> progress)
    {
        Options = options;
        _progress = progress;
        Chance = new Random(options.Seed);
        Time = new Timeline();
        Disks = new DiskPool(Time, SegmentBytes);
        Ledger = new WorldLedger(Time, Disks, options.Clusters);
        Wire = new WireCount(throughCodec: options.Clusters <= 100);
        Graph = Graph.Of(options, Chance);
        for (int i = 0; i < options.Clusters; i++)
        {
            Clusters.Add(new ScaleCluster(this, i));
        }

        foreach (GraphEdge edge in Graph.Edges)
        {
            ScaleLink there = new(this, Clusters[edge.A], Clusters[edge.B], edge.Milliseconds);
            ScaleLink back = new(this, Clusters[edge.B], Clusters[edge.A], edge.Milliseconds);
            _links.AddRange([there, back]);
            _pairs.Add((there, back));
        }

        _flapping = new FlappingLinks(this, _pairs);
    }

    public ScaleOptions Options { get; }

    public Random Chance { get; }

    public Timeline Time { get; }

    public TaskPump Pump { get; } = new();

    public DiskPool Disks { get; }

    public WorldLedger Ledger { get; }

    public WireCount Wire { get; }

    public Graph Graph { get; }

    public List<ScaleCluster> Clusters { get; } = [];

    public List<Device> Devices { get; } = [];

    /// <summary>Events that stand at two places, because their device went away before it was answered (rule R18).</summary>
    public int Twins { get; set; }

    public IReadOnlyList<string> Violations => _violations;

    /// <summary>Another rule of offering than the product's.</summary>
    public OfferRule? Rule { get; init; }

    /// <summary>Which entries a cluster says it has taken, and has not.</summary>
    public Func<int, LaneId, LaneEntry, bool>? Loses { get; init; }

    public void After(int milliseconds, Action what) => Time.At(Time.Now + milliseconds, what);

    public void Violation(string what)
    {
        if (_violations.Count < MostViolations)
        {
            _violations.Add($"{Time.Now} ms: {what}");
        }
    }

    public void Reported(Report report)
    {
        if (report.Event == LinkEvent.LaneRefused)
        {
            Violation(report.Text);
        }

        _figures.Asked += report.Event == LinkEvent.Asked ? 1 : 0;
    }

    /// <summary>Plays it to the end and judges it.</summary>
    public ScaleFigures Play()
    {
        Pump.Run(() =>
        {
            Open();
            Link();
            Write();
            Converge();
            Rest();
            Judge();
        });
        return _figures;
    }

    private void Open()
    {
        _figures.Watch.Start();
        _figures.MemoryBefore = ScaleFigures.Memory();
        foreach (ScaleCluster cluster in Clusters)
        {
            cluster.Open();
        }

        _figures.MemoryOpened = ScaleFigures.Memory() - Disks.Bytes;
        _progress($"{Clusters.Count} stores are open");
    }

    private void Link()
    {
        foreach (ScaleLink link in _links)
        {
            After(Chance.Next(SettleMilliseconds / 2), link.Restore);
        }

        Run(SettleMilliseconds);
        _figures.FirstStartBytes = Wire.StartBytes;
        _figures.MemoryLinked = ScaleFigures.Memory() - Disks.Bytes;
        _progress($"{_links.Count} one-way links are up");
    }

    /// <summary>The writes are planned; all devices are at some cluster.</summary>
    private void Write()
    {
        long begin = Time.Now;
        _lastWrite = begin;
        int writers = Options.Writers > 0 ? Math.Min(Options.Writers, Options.Clusters) : Options.Clusters;
        for (int i = 0; i < writers + Options.Movers; i++)
        {
            bool moves = i >= writers;
            Device device = new(this, i, moves ? Chance.Next(5, 50) : 1);
            Devices.Add(device);
            device.Connect(moves ? Chance.Next(Options.Clusters) : (int)((long)i * Options.Clusters / writers));
            for (int n = 0; n < Options.EventsPerCluster; n++)
            {
                long at = begin + 500 + Chance.Next(Options.WriteSeconds * 1000);
                _lastWrite = Math.Max(_lastWrite, at);
                Time.At(at, device.Write);
            }

            for (int n = 0; moves && n < Math.Max(1, Options.WriteSeconds / 4); n++)
            {
                Time.At(begin + 500 + Chance.Next(Options.WriteSeconds * 1000), () => device.Move(Chance.Next(Options.Clusters)));
            }
        }

        _flapping.Begin(Options.Flapping);
        Run(_lastWrite);
    }

    /// <summary>While links go on flapping, until every cluster holds everything.</summary>
    private void Converge()
    {
        long until = _lastWrite + (Options.PatienceSeconds * 1000L);
        long quiet = _lastWrite + QuietMilliseconds;
        while (Time.Now < until && (Ledger.Missing > 0 || Time.Now < quiet))
        {
            Run(Math.Min(until, Time.Now + 500));
        }

        _figures.Converged = Ledger.LastArrival - _lastWrite;
        _figures.EventsSent = Wire.EventsSent;
        if (Ledger.Missing > 0)
        {
            Violation($"{Ledger.Missing} entries are missing at some cluster {Options.PatienceSeconds} s behind the last write");
        }
    }

    /// <summary>Everything heals; and when nothing is written any more, nothing may be sent any more but what keeps links alive.</summary>
    private void Rest()
    {
        _flapping.Heal();
        Run(Time.Now + (Options.Flapping > 0 ? 10_000 : QuietMilliseconds));
        long before = Wire.EntriesSent;
        long frames = Wire.AllFrames;
        Run(Time.Now + QuietMilliseconds);
        if (Wire.EntriesSent > before || Wire.AllFrames > frames)
        {
            Violation($"{Wire.EntriesSent - before} entries and {Wire.AllFrames - frames} frames were sent in {QuietMilliseconds} ms "
                + "in which nobody wrote: the world does not come to rest");
        }
    }

    private void Judge()
    {
        _figures.MemoryFull = ScaleFigures.Memory() - Disks.Bytes;
        _progress("judging");
        new ScaleJudge(this).Judge();
        _figures.Read(this, _links, _flapping);
        foreach (ScaleLink link in _links)
        {
            link.Remove();
        }

        _figures.MemoryUnlinked = ScaleFigures.Memory() - Disks.Bytes;
        _figures.Watch.Stop();
    }

    private void Run(long until)
    {
        while (Time.Step(until))
        {
            if ((Time.Happened & 0xFFF) == 0 && _figures.IsTimeToTell())
            {
                _progress($"{Time.Now / 1000.0:F1} s of virtual time, {Ledger.Arrivals} entries arrived, {Ledger.Missing} on their way, "
                    + $"{Wire.EntriesSent} sent, {Disks.Bytes >> 20} MiB of logs");
            }
        }

        Pump.Drain();
    }
}
