using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>A device's or back end's door to Streams: publishes through an outbox on disk, consumes under replicated cursors, and goes from cluster to cluster by itself.</summary>
/// <remarks>Safe for use by many threads. Opening needs no network.</remarks>
public sealed class StreamsClient : IAsyncDisposable
{
    private StreamsClient()
    {
    }

    /// <summary>The cluster now connected, or <see langword="null"/>.</summary>
    public ClusterName? ConnectedTo => throw new NotSupportedException();

    /// <summary>Events in the outbox that no cluster has confirmed yet.</summary>
    public long OutboxEvents => throw new NotSupportedException();

    /// <summary>Raised after each change of <see cref="ConnectedTo"/>, on a pool thread.</summary>
    public event Action<ClusterName?>? ConnectionChanged;

    /// <summary>Opens the outbox and begins to connect in the background.</summary>
    /// <exception cref="ConfigurationException">The options are faulty; all faults are named.</exception>
    /// <exception cref="StorageFailedException">The outbox cannot be opened.</exception>
    public static ValueTask<StreamsClient> OpenAsync(StreamsClientOptions options, ILoggerFactory? logging = null, TimeProvider? time = null,
        Random? chance = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Publishes an event. Completes when it is durable on this device; waits while the outbox is full.</summary>
    /// <exception cref="InvalidRequestException">Name, key, headers or payload are over a limit.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    public ValueTask<PublishReceipt> PublishAsync(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key = default,
        IReadOnlyList<EventHeader>? headers = null, DateTimeOffset? timestamp = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    /// <summary>Opens a consumer. Needs no network: it begins to be given events when a cluster is connected.</summary>
    public ValueTask<StreamsConsumer> ConsumeAsync(ConsumerOptions options, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Completes when the outbox is empty: everything published is held by a cluster.</summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Stops publishing, tries for a bounded time to send what waits, and closes. What is not sent stays in the outbox.</summary>
    public ValueTask DisposeAsync()
    {
        ConnectionChanged?.Invoke(null);
        throw new NotSupportedException();
    }
}
