namespace Streams.Gateways;

/// <summary>Wakes one waiting loop: from any thread, or when the time it waits for has come. Waking it while it does not wait is
/// remembered.</summary>
internal sealed class WakeSignal : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private TaskCompletionSource? _waiter;
    private bool _set;

    public WakeSignal(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static signal => ((WakeSignal)signal!).Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Time on the clock of this signal; only differences mean something.</summary>
    public TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>Wakes the loop.</summary>
    public void Set()
    {
        TaskCompletionSource? waiter;
        lock (_lock)
        {
            waiter = _waiter;
            _waiter = null;
            _set = waiter is null;
        }

        waiter?.TrySetResult();
    }

    /// <summary>Waits until it is woken, or <paramref name="due"/> (of <see cref="Now"/>) has come. One waiter at a time.</summary>
    public async ValueTask WaitAsync(TimeSpan? due, CancellationToken cancellationToken)
    {
        Task waiting;
        lock (_lock)
        {
            if (_set)
            {
                _set = false;
                return;
            }

            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _waiter.Task;
        }

        TimeSpan left = due is { } at ? at - Now : Timeout.InfiniteTimeSpan;
        _timer.Change(due is null ? left : left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        using (cancellationToken.UnsafeRegister(static signal => ((WakeSignal)signal!).Set(), this))
        {
            await waiting.ConfigureAwait(false);
        }

        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Stops its timer.</summary>
    public void Dispose() => _timer.Dispose();
}
