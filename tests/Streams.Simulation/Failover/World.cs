using Streams.Client;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A world of clusters, devices and consumers in one thread, played from one seed: the parties decide with the product's own
/// types; disk, network, clock and the order of everything are the world's.</summary>
internal sealed partial class World
{
    private static readonly int[] HoldBounds = [1, 1, 2, 4, 1000];

    private readonly HashSet<Rule> _without;
    private readonly SortedDictionary<char, SimCluster> _clusters = [];
    private readonly List<SimLink> _links = [];
    private readonly List<SimDevice> _devices = [];
    private readonly List<SimReader> _readers = [];
    private readonly Dictionary<Origin, string> _short = [];
    private readonly HashSet<string> _common;
    private readonly WorldPlan _plan;
    private readonly long _stretch;

    public World(WorldPlan plan)
    {
        _plan = plan;
        Configuration = plan.Configuration;
        _without = [.. plan.Without];
        Chance = new SimulationChance();
        _stretch = plan.Seed ^ ((long)Crc32C.Compute(System.Text.Encoding.UTF8.GetBytes(plan.Configuration.Name)) << 31);
        Chance.MoveTo(_stretch, -1);
        Scheduler = new SimulationScheduler(Chance);
        Trace = plan.Traces ? [] : null;
        Truth = new Truth(this);
        Policy = plan.Seed % 4 == 3 ? IncarnationPolicy.Always : IncarnationPolicy.Guarded;
        Partitions = Configuration.Partitions;
        bool isPatient = !Configuration.Has(Faults.Patience);
        Limits = new Gateways.ReaderLimits(isPatient ? TimeSpan.FromDays(3650) : TimeSpan.FromSeconds(30), 600,
            TimeSpan.FromMilliseconds(100), 4);
        DeliveryRules = new DeliveryRules(Keeps(Rule.Prefix), Keeps(Rule.Jumps), Keeps(Rule.Ground));
        PassByRules = new PassByRules(Keeps(Rule.GenWindow), Keeps(Rule.KeepBack), Keeps(Rule.Chain));
        ClientOptions = new StreamsClientOptions
        {
            Name = "device",
            Clusters = [new ClusterEndpoint(ClusterName.Parse("a"), "a", 1)],
            OutboxPath = "none",
            HoldBackEvents = HoldBounds[(int)(plan.Seed % HoldBounds.Length)],
            Patience = isPatient ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(30),
        };
        _common = Configuration.ReadAt.Select(c => Configuration.Into(c)).Aggregate(static (a, b) => [.. a.Intersect(b)])
            .Select(c => char.ToLowerInvariant(c).ToString()).ToHashSet();
        MakeParties();
    }

    public Configuration Configuration { get; }

    public SimulationChance Chance { get; }

    public SimulationScheduler Scheduler { get; }

    public VirtualTime Time { get; } = new();

    public FaultTally Tally { get; } = new();

    public Truth Truth { get; }

    /// <summary>What happened, in order; <see langword="null"/> when nobody wants to read it.</summary>
    public List<string>? Trace { get; }

    public StreamPath Stream { get; } = StreamPath.Parse("/world");

    /// <summary>Partitions of the stream as the world's operator set them last.</summary>
    public int Partitions { get; private set; }

    public IncarnationPolicy Policy { get; }

    public Gateways.ReaderLimits Limits { get; }

    public DeliveryRules DeliveryRules { get; }

    public PassByRules PassByRules { get; }

    public StreamsClientOptions ClientOptions { get; }

    /// <summary>Connections that devices have left with something under way.</summary>
    public List<DeviceConnection> LeftBehind { get; } = [];

    /// <summary>Whether a rule is in force.</summary>
    public bool Keeps(Rule rule) => !_without.Contains(rule);

    public StreamPartition Partition(int partition) => new(Stream, new PartitionId(partition));

    /// <summary>Begins something that the product does in its own time.</summary>
    public void Go(Func<ValueTask> work) => _ = RunAsync(work);

    /// <summary>A read of a simulated disk, which is over at once.</summary>
    public static void Fill(ValueTask filling)
    {
        if (!filling.IsCompleted)
        {
            throw new InvalidOperationException("a read of a simulated disk did not end at once");
        }

        filling.GetAwaiter().GetResult();
    }

    /// <summary>A cluster's process ended: whoever was connected to it is not any more.</summary>
    public void Forget(ClusterLife life)
    {
        foreach (SimLink link in _links)
        {
            link.Forget(life);
        }

        LeftBehind.RemoveAll(c => c.Life == life);
        foreach (SimDevice device in _devices)
        {
            if (device.At == life)
            {
                device.Leave();
            }
        }

        foreach (SimReader reader in _readers)
        {
            reader.Forget(life);
            if (reader.At == life)
            {
                reader.HangUp();
            }
        }

        life.Cluster.Unflushed.Clear();
    }

    /// <summary>Joined state that changed something in a cluster goes on over its other links (rule R16).</summary>
    public void PassOn(ClusterLife life, Origin? from, IReadOnlyList<StateItem> items)
    {
        foreach (SimLink link in _links)
        {
            if (Keeps(Rule.SnapOn) && link.From.Life == life && link.To.Name != from?.Cluster)
            {
                link.Sender?.PassOn(items);
            }
        }
    }

    /// <summary>All runs of all devices that a cluster holds, as items of joined state: what rule R8 forbids.</summary>
    public IEnumerable<StateItem> AllHeld(ClusterLife life)
    {
        foreach (SimDevice device in _devices)
        {
            for (int partition = 0; partition < Partitions; partition++)
            {
                foreach (HeldRun run in life.Container.Held(device.Id, Partition(partition), 0))
                {
                    yield return Storage.StateItems.Of(Partition(partition), run);
                }
            }
        }
    }

    /// <summary>Whether lanes of this cluster reach every cluster at which somebody reads, and every such cluster knew it.</summary>
    public bool IsCommon(Origin origin) => _common.Contains(origin.Cluster.Value);

    /// <summary>A cluster that lost what it knew of others, and has had no link for its time of grace, takes another for one whose lanes no
    /// route brings. It may be wrong: then order among the lanes of that one is not promised there (decision 0010).</summary>
    public void TakenForUnreachable(ClusterLife life, ClusterName origin)
    {
        if (Configuration.Into(life.Cluster.Letter).Contains(char.ToUpperInvariant(origin.Value[0])) && _common.Remove(origin.Value))
        {
            Tally.Add("clusters wrongly taken for unreachable");
            Trace?.Add($"{life.Cluster.Letter} takes {origin} for unreachable");
        }
    }

    /// <summary>The epochs under which devices made events of a partition.</summary>
    public IEnumerable<ProducerEpoch> EpochsOf(int partition) => Enumerable.Range(1, Truth.Events).Select(uid => Truth[uid])
        .Where(e => e.Partition == partition).Select(static e => new ProducerEpoch(e.Producer, e.Epoch)).Distinct();

    public string NameOf(ProducerId producer) => _devices.Find(d => d.Id == producer)?.Name ?? "somebody";

    /// <summary>An origin as the findings write it: <c>A.2</c>.</summary>
    public string Short(Origin origin)
    {
        if (!_short.TryGetValue(origin, out string? name))
        {
            int life = 1 + _short.Keys.Count(o => o.Cluster == origin.Cluster);
            _short[origin] = name = $"{origin.Cluster.Value.ToUpperInvariant()}.{life}";
        }

        return name;
    }

    public string Short(LaneId lane) => $"{Short(lane.Origin)}/{lane.Partition.Partition}";

    public string Short(TruePlace place) => $"{Short(place.Origin)}@{place.Offset}" + (Partitions > 1 ? $"/{place.Partition}" : "");

    public string Short(Cursor cursor) =>
        $"g{cursor.Generation.Number}{{{string.Join(' ', cursor.Positions.Select(p => $"{Short(p.Key)}={p.Value}"))}}}";

    public string Short(AfterVector after)
    {
        List<string> places = [];
        foreach (EventPlace place in after.Places)
        {
            places.Add($"{Short(place.Origin)}@{place.Offset}");
        }

        return $"({string.Join(' ', places)})";
    }

    private async Task RunAsync(Func<ValueTask> work)
    {
        try
        {
            await work();
        }
        catch (StreamsException)
        {
            Tally.Add("operations that failed with their cluster");      // the disk refused, or the process is gone
        }
        catch (Exception fault)
        {
            Truth.Fail(Violation.Protocol, fault.ToString());
        }
    }

    private void MakeParties()
    {
        foreach (char letter in Configuration.Clusters)
        {
            _clusters[letter] = new SimCluster(this, letter);
        }

        if (Configuration.Has(Faults.Late))
        {
            _clusters[Configuration.Clusters[^1]].HasJoined = false;
        }

        foreach (string link in Configuration.Links.Split(' '))
        {
            _links.Add(new SimLink(this, _clusters[link[0]], _clusters[link[1]]));
        }

        for (int i = 0; i < Configuration.Devices; i++)
        {
            _devices.Add(new SimDevice(this, i));
        }

        _readers.Add(new SdkReader(this, "sdk") { Record = { IsOnce = true } });
        _readers.Add(new PlainReader(this, "plain"));
        _readers.Add(new SdkReader(this, "host"));
        _readers.Add(new SdkReader(this, "sparse", "t0") { Record = { IsOnce = true } });
        if (Configuration.Has(Faults.Dual))
        {
            _readers.Add(new SdkReader(this, "dual") { Record = { IsOrdered = false } });
            _readers.Add(new SdkReader(this, "dual") { Record = { IsOrdered = false } });
        }
    }
}
