using System.Reactive.Linq;

namespace Streams.Client.Reactive;

/// <summary>Consumers as observables.</summary>
/// <remarks><b>Cold.</b> Each subscription opens a consumer of its own, and unsubscribing closes it. A name can be open once in a client:
/// for several observers make it hot, <c>client.Observe(options).Publish().RefCount()</c>, which opens it with the first and closes it
/// with the last.
/// <b>Back-pressure.</b> <c>OnNext</c> is called for one event after the other, from pool threads, and the source waits until it returns;
/// meanwhile no more than <see cref="StreamsClientOptions.ReceiveBytes"/> is fetched. Operators that queue (<c>ObserveOn</c>,
/// <c>Buffer</c>, <c>Merge</c> of inner sequences) return at once and take that away: what they queue is the application's to bound.
/// <b>Acknowledging</b> is the application's, when it is done with an event, or
/// <see cref="AcknowledgeAfterNext(IObservable{ReceivedEvent})"/>'s. What is not acknowledged comes again after a restart of the process.
/// <b>Ends.</b> Losing clusters ends nothing. <c>OnCompleted</c>: the client was closed. <c>OnError</c>: the consumer could not be
/// opened, or the cluster refused it for good. An exception thrown by the observer closes the consumer and is then thrown on a pool
/// thread.</remarks>
public static class StreamsObservable
{
    /// <summary>The events of a consumer that each subscription opens and closes.</summary>
    public static IObservable<ReceivedEvent> Observe(this StreamsClient client, ConsumerOptions options) =>
        From(Opening(client, options, static (_, received) => received));

    /// <summary>The same, with payloads read. One that cannot be read is a result of its own and ends nothing.</summary>
    public static IObservable<ReceivedEvent<T>> Observe<T>(this StreamsClient client, ConsumerOptions options,
        IEventSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return From(Opening(client, options, (consumer, received) => consumer.Read(received, serializer)));
    }

    /// <summary>The events of a consumer that is open already and stays open. One subscriber at a time, and no other reader beside
    /// it.</summary>
    public static IObservable<ReceivedEvent> AsObservable(this StreamsConsumer consumer)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        return From(new Source<ReceivedEvent>(Turns.Of(consumer), default, default, _ => ValueTask.FromResult(consumer),
            static _ => ValueTask.CompletedTask, static (_, received) => received));
    }

    /// <summary>Acknowledges each event when the observer's <c>OnNext</c> has returned without throwing. Right as long as the work is
    /// done in there; behind an operator that queues it would acknowledge what is not done yet.</summary>
    public static IObservable<ReceivedEvent> AcknowledgeAfterNext(this IObservable<ReceivedEvent> source) =>
        AfterNext(source, static received => received.Acknowledge());

    /// <inheritdoc cref="AcknowledgeAfterNext(IObservable{ReceivedEvent})"/>
    public static IObservable<ReceivedEvent<T>> AcknowledgeAfterNext<T>(this IObservable<ReceivedEvent<T>> source) =>
        AfterNext(source, static received => received.Acknowledge());

    internal static Source<T> Opening<T>(StreamsClient client, ConsumerOptions options, Func<StreamsConsumer, ReceivedEvent, T> select)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(options);
        return new Source<T>(Turns.Of(client), options.Name, options.Stream, stop => client.ConsumeAsync(options, stop),
            static consumer => consumer.DisposeAsync(), select);
    }

    internal static IObservable<T> From<T>(Source<T> source) => Observable.Create<T>(observer => Subscription<T>.Begin(source, observer));

    private static IObservable<T> AfterNext<T>(IObservable<T> source, Action<T> acknowledge)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Observable.Create<T>(observer => source.Subscribe(
            received =>
            {
                observer.OnNext(received);
                acknowledge(received);
            },
            observer.OnError, observer.OnCompleted));
    }
}
