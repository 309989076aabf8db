using Streams.Core;

namespace Streams.Client;

/// <summary>A named consumer of a stream. Survives the loss of clusters: it goes on with another one at the same offsets (section 4 of the architecture).</summary>
public sealed class StreamsConsumer : IAsyncDisposable
{
    internal StreamsConsumer()
    {
    }

    /// <summary>The events, each once, in the order of their producers. One reader at a time; nothing more is fetched than <see cref="StreamsClientOptions.ReceiveBytes"/> allows
    /// until events are taken. Ends when the token is cancelled or the consumer disposed.</summary>
    public IAsyncEnumerable<ReceivedEvent> ReadAllAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The same events as a cold observable of one subscriber at a time: <c>OnNext</c> is back-pressure, the next event waits until it returns.</summary>
    public IObservable<ReceivedEvent> AsObservable() => throw new NotSupportedException();

    /// <summary>The cursor as acknowledged and kept on this device.</summary>
    public Cursor Cursor(PartitionId partition) => throw new NotSupportedException();

    /// <summary>Commits what is acknowledged (bounded wait) and closes.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}
