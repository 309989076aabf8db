using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Client;

/// <summary>Publishing and consuming values instead of bytes.</summary>
public static class TypedEvents
{
    private const int MostKept = 64 << 10;

    // One buffer is kept beside the pool's own memory: publishing one after the other, the usual case, makes none.
    private static PayloadBuffer? _spare;

    /// <summary>Publishes a value. As <see cref="StreamsClient.PublishAsync"/>; the payload is made at once, so the value may change as
    /// soon as this returns a task.</summary>
    /// <exception cref="InvalidRequestException">Name, key, headers or payload are over a limit.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    /// <exception cref="ObjectDisposedException">The client is closed.</exception>
    public static ValueTask<PublishReceipt> PublishAsync<T>(this StreamsClient client, StreamPath stream, TopicName topic, T value,
        IEventSerializer<T> serializer, ReadOnlyMemory<byte> key = default, IReadOnlyList<EventHeader>? headers = null,
        DateTimeOffset? timestamp = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(serializer);
        PayloadBuffer buffer = Interlocked.Exchange(ref _spare, null) ?? new PayloadBuffer();
        try
        {
            serializer.Serialize(value, buffer);
        }
        catch
        {
            Return(buffer);
            throw;
        }

        return StoreAsync(buffer, client, stream, topic, key, headers, timestamp, cancellationToken);
    }

    /// <summary>The events with their payloads read. As <see cref="StreamsConsumer.ReadAllAsync"/>: a payload that cannot be read is a
    /// result of its own, which ends nothing.</summary>
    public static async IAsyncEnumerable<ReceivedEvent<T>> ReadAllAsync<T>(this StreamsConsumer consumer, IEventSerializer<T> serializer,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        ArgumentNullException.ThrowIfNull(serializer);
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return consumer.Read(received, serializer);
        }
    }

    /// <summary>Reads the payload of an event that came otherwise.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "whatever a serializer throws is the event's fault, and no end of the consumer")]
    public static ReceivedEvent<T> Read<T>(this StreamsConsumer consumer, ReceivedEvent received, IEventSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        ArgumentNullException.ThrowIfNull(received);
        ArgumentNullException.ThrowIfNull(serializer);
        try
        {
            return new ReceivedEvent<T>(received, serializer.Deserialize(received.Payload), null);
        }
        catch (Exception fault)
        {
            consumer.CountUnreadable();
            return new ReceivedEvent<T>(received, default!, fault);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<PublishReceipt> StoreAsync(PayloadBuffer buffer, StreamsClient client, StreamPath stream,
        TopicName topic, ReadOnlyMemory<byte> key, IReadOnlyList<EventHeader>? headers, DateTimeOffset? timestamp,
        CancellationToken cancellationToken)
    {
        try
        {
            return await client.PublishAsync(stream, topic, buffer.Written, key, headers, timestamp, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            Return(buffer);                                      // the outbox has let go of it
        }
    }

    private static void Return(PayloadBuffer buffer)
    {
        buffer.Clear();
        if (buffer.Capacity > MostKept || Interlocked.CompareExchange(ref _spare, buffer, null) is not null)
        {
            buffer.Dispose();
        }
    }
}
