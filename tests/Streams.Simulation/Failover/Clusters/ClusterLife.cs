using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Simulation;

/// <summary>One run of a cluster's process, from start to crash: the product's container, and what gateways and links see of it.</summary>
internal sealed class ClusterLife : ILaneHorizon
{
    private static readonly GatewayMeter Meter = new(static () => default);

    private readonly World _world;

    public ClusterLife(World world, SimCluster cluster, Container container)
    {
        _world = world;
        Cluster = cluster;
        Container = container;
        Store = new SimEventStore(this);
        Lanes = new SimLaneStore(this);
        Filler = new LaneFiller(Store, 600, Meter, NullLogger.Instance);
    }

    public SimCluster Cluster { get; }

    public Container Container { get; }

    /// <summary>What gateways see.</summary>
    public SimEventStore Store { get; }

    /// <summary>What links see.</summary>
    public SimLaneStore Lanes { get; }

    public LaneFiller Filler { get; }

    /// <summary>What its incoming links share.</summary>
    public IncomingMemory Incoming { get; } = new();

    /// <summary>What its outgoing links keep over sessions.</summary>
    public Dictionary<ClusterName, SenderMemory> Outgoing { get; } = [];

    /// <summary>What the product knows of lanes to come; set when the links of the cluster are made.</summary>
    public Horizon Horizon { get; set; } = null!;

    /// <summary>Whether it runs. What is still under way when it stops has no effect any more.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>Whether own entries are taken.</summary>
    public bool IsWriting { get; set; }

    /// <summary>Whether a new incarnation is being opened: several links may find the same reason.</summary>
    public bool IsOpening { get; set; }

    public Origin Origin => Container.Origin;

    public bool Reaches(ClusterName origin)
    {
        bool reaches = Horizon.Reaches(origin);
        if (!reaches)
        {
            _world.TakenForUnreachable(this, origin);
        }

        return reaches;
    }

    public bool IsExhausted(LaneId lane) => _world.Keeps(Rule.Closed) && Horizon.IsExhausted(lane);
}
