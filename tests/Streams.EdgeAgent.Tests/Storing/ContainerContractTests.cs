using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Gateways;
using Streams.Gateways.Tests;
using Streams.Storage;

namespace Streams.EdgeAgent.Tests;

/// <summary>The cluster's container keeps the contract.</summary>
public sealed class ContainerContractTests : EventStoreContract
{
    internal override async Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        Container container = await Container.OpenAsync(new ContainerOptions { Directory = folder, SegmentBytes = 1 << 20,
            AllocationBytes = 1 << 20 }, Time, new Random(1), NullLogger.Instance, default);
        await container.StartWritingAsync(new Origin(ClusterName.Parse("sj"), new Incarnation(1)), default);
        return (new ContainerStore(container), container);
    }
}
