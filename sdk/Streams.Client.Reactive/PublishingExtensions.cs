using Streams.Core;

namespace Streams.Client.Reactive;

/// <summary>Observers that publish.</summary>
public static class PublishingExtensions
{
    /// <summary>An observer that publishes every value to a stream: <c>readings.Subscribe(client.ToObserver(…))</c>. One sequence
    /// each.</summary>
    /// <param name="client">The client.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">The topic of a value.</param>
    /// <param name="serializer">Makes the payloads.</param>
    /// <param name="key">The key of a value, where it is to decide the partition.</param>
    /// <param name="inFlight">How many may be on their way into the outbox before <c>OnNext</c> waits. Default 1: each is on the disk
    /// before the next is taken, so the order is the sequence's in every case, and nothing is stored behind one that failed. More (up to
    /// 1024) share flushes, which is faster; but while the outbox is full those that wait may pass each other.</param>
    public static EventPublisher<T> ToObserver<T>(this StreamsClient client, StreamPath stream, Func<T, TopicName> topic,
        IEventSerializer<T> serializer, Func<T, ReadOnlyMemory<byte>>? key = null, int inFlight = 1)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentOutOfRangeException.ThrowIfLessThan(inFlight, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inFlight, 1024);
        return new EventPublisher<T>(value => client.PublishAsync(stream, topic(value), value, serializer, key?.Invoke(value) ?? default),
            inFlight);
    }
}
