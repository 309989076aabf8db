using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>The agent's store keeps the contract.</summary>
public sealed class LocalStoreContractTests : EventStoreContract
{
    private readonly CollectingLogger _logger = new();

    internal override Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        LocalStoreOptions options = new(Path.Combine(folder, "agent.db"), ClusterName.Parse("line-4"));
        LocalStore store = LocalStore.Open(options, Time, new Random(1), _logger);
        _logger.AssertNoErrors();
        return Task.FromResult<(IEventStore, IAsyncDisposable)>((store, store));
    }
}
