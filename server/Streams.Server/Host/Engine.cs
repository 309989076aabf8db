using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What gateways and links speak to: the containers of this node behind the ports that each of them asks for.</summary>
internal sealed class Engine
{
    public Engine(Container container, LocalCatalog catalog, ILogger logger)
    {
        Container = container;
        Store = new ContainerEventStore(this);
        Lanes = new ContainerLaneStore(this, catalog, logger);
    }

    /// <summary>The only container there is yet.</summary>
    public Container Container { get; }

    /// <summary>The store as gateways see it.</summary>
    public IEventStore Store { get; }

    /// <summary>The store as links see it.</summary>
    public ILaneStore Lanes { get; }

    /// <summary>The container that holds a partition.</summary>
    public Container For(StreamPartition partition) => Container;
}
