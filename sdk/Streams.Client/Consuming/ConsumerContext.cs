using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>What a consumer has of its client. <paramref name="Chance"/> is the consumers' own; lock it.</summary>
internal sealed record ConsumerContext(StreamsClientOptions Options, EventOutbox Outbox, ClusterLink Link, ClientMetrics Metrics,
    SteadyClock Clock, Random Chance, ILogger Logger)
{
    private int _subscriptions;

    /// <summary>A number that no subscription of this client had.</summary>
    public uint NextSubscription() => (uint)Interlocked.Increment(ref _subscriptions);
}
