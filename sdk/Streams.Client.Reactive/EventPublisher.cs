using System.Runtime.ExceptionServices;

namespace Streams.Client.Reactive;

/// <summary>Publishes what a sequence gives. <c>OnNext</c> waits when as many publishes are on their way into the outbox as are allowed:
/// that is the back-pressure, which reaches the sequence's source as far as its operators let it.</summary>
/// <remarks>Failure: the first publish that fails is kept; <see cref="Completion"/> fails with it, and so does every later <c>OnNext</c>.
/// Those that were on their way beside it may be stored all the same.</remarks>
/// <typeparam name="T">The values.</typeparam>
public sealed class EventPublisher<T> : IObserver<T>
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object _lock = new();
    private readonly Func<T, ValueTask<PublishReceipt>> _publish;
    private readonly int _inFlight;
    private Exception? _fault;
    private int _onTheirWay;
    private bool _hasEnded;

    internal EventPublisher(Func<T, ValueTask<PublishReceipt>> publish, int inFlight)
    {
        _publish = publish;
        _inFlight = inFlight;
    }

    /// <summary>Completes when the sequence has ended and all of it is on the device's disk. Fails with the first publish that failed, or
    /// with the sequence's own error, either way when nothing is on its way any more.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Publishes a value, or waits until it may.</summary>
    public void OnNext(T value)
    {
        lock (_lock)
        {
            while (_onTheirWay >= _inFlight && _fault is null)
            {
                Monitor.Wait(_lock);
            }

            if (_fault is not null)
            {
                ExceptionDispatchInfo.Throw(_fault);
            }

            if (_hasEnded)
            {
                return;
            }

            _onTheirWay++;
        }

        try
        {
            ValueTask<PublishReceipt> publish = _publish(value);
            if (!publish.IsCompleted)
            {
                _ = AwaitAsync(publish);
                return;
            }

            _ = publish.GetAwaiter().GetResult();                // is there already, or has failed already
        }
        catch (Exception e)
        {
            Left(e);
            throw;
        }

        Left(null);
    }

    /// <summary>The sequence failed: what came before is still published.</summary>
    public void OnError(Exception error) => End(error);

    /// <summary>The sequence is over.</summary>
    public void OnCompleted() => End(null);

    private async Task AwaitAsync(ValueTask<PublishReceipt> publish)
    {
        try
        {
            await publish.ConfigureAwait(false);
            Left(null);
        }
        catch (Exception e)
        {
            Left(e);
        }
    }

    private void Left(Exception? fault)
    {
        lock (_lock)
        {
            _onTheirWay--;
            _fault ??= fault;
            Settle();
            Monitor.PulseAll(_lock);
        }
    }

    private void End(Exception? fault)
    {
        lock (_lock)
        {
            _hasEnded = true;
            _fault ??= fault;
            Settle();
        }
    }

    private void Settle()
    {
        if (_onTheirWay > 0)
        {
            return;
        }

        if (_fault is not null)
        {
            _completion.TrySetException(_fault);
        }
        else if (_hasEnded)
        {
            _completion.TrySetResult();
        }
    }
}
