using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Streams.Core;

namespace Streams.Client.Reactive;

/// <summary>One subscription: opens a consumer, hands out its events one by one, and closes it.</summary>
/// <remarks>Failure: what the source fails with is the observer's <c>OnError</c>, behind the closing, so that a repetition finds the name
/// free. What the observer itself throws is nobody's to catch, as everywhere in Rx: the consumer is closed, then it is thrown on a pool
/// thread.</remarks>
internal sealed class Subscription<T> : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Source<T> _source;
    private readonly IObserver<T> _observer;
    private int _disposed;

    private Subscription(Source<T> source, IObserver<T> observer)
    {
        _source = source;
        _observer = observer;
    }

    /// <summary>Begins; returns before the first event.</summary>
    public static Subscription<T> Begin(Source<T> source, IObserver<T> observer)
    {
        Subscription<T> begun = new(source, observer);
        Task before = source.Turns.Closing(source.Name, source.Stream);

        // The subscriber's activity is not the parent of everything that is ever consumed: the flow of its context ends here.
        using (ExecutionContext.SuppressFlow())
        {
            _ = Task.Run(() => begun.RunAsync(before));
        }

        return begun;
    }

    /// <summary>Unsubscribes. Nothing more is handed out behind the event that may be in the observer's hands; the consumer closes in the
    /// background.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _source.Turns.Begin(_source.Name, _source.Stream, _closed.Task);
            _stop.Cancel();
        }
    }

    private async Task RunAsync(Task before)
    {
        Exception? fault = null;
        Exception? thrown = null;
        try
        {
            await before.WaitAsync(_stop.Token).ConfigureAwait(false);
            StreamsConsumer consumer = await _source.Open(_stop.Token).ConfigureAwait(false);
            try
            {
                thrown = await HandOutAsync(consumer).ConfigureAwait(false);
            }
            finally
            {
                await _source.Close(consumer).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Unsubscribed.
        }
        catch (Exception e)
        {
            fault = e;
        }

        _closed.TrySetResult();
        try
        {
            if (thrown is null && fault is not null)
            {
                _observer.OnError(fault);
            }
            else if (thrown is null && !_stop.IsCancellationRequested)
            {
                _observer.OnCompleted();                         // the client was closed
            }
        }
        catch (Exception e)
        {
            thrown = e;
        }

        if (thrown is not null)
        {
            _source.Escalate(thrown);
        }
    }

    private async Task<Exception?> HandOutAsync(StreamsConsumer consumer)
    {
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(_stop.Token).ConfigureAwait(false))
        {
            if (_stop.IsCancellationRequested)
            {
                break;
            }

            Activity? before = Activity.Current;
            try
            {
                Activity.Current = received.Activity ?? before;
                _observer.OnNext(_source.Select(consumer, received));
            }
            catch (Exception e)
            {
                return e;
            }
            finally
            {
                Activity.Current = before;
            }
        }

        return null;
    }
}

/// <summary>Where a subscription gets its consumer, and what it makes of events.</summary>
internal sealed record Source<T>(Turns Turns, ConsumerName Name, StreamPath Stream,
    Func<CancellationToken, ValueTask<StreamsConsumer>> Open, Func<StreamsConsumer, ValueTask> Close,
    Func<StreamsConsumer, ReceivedEvent, T> Select)
{
    /// <summary>What is done with an exception that the observer threw.</summary>
    public Action<Exception> Escalate { get; init; } = static thrown =>
        ThreadPool.UnsafeQueueUserWorkItem(static e => ExceptionDispatchInfo.Throw(e), thrown, preferLocal: false);
}
