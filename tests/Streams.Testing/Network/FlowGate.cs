namespace Streams.Testing;

/// <summary>What is to happen to the bytes of one direction.</summary>
internal enum FlowMode
{
    Pass,
    Hold,
    Swallow,
}

/// <summary>
/// One direction of a <see cref="CuttingProxy"/>, shared by its connections: passing, holding or swallowing; pacing; and the byte count.
/// </summary>
internal sealed class FlowGate
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly int? _maxBytesPerSecond;
    private TaskCompletionSource _changed = NewSignal();
    private FlowMode _mode;
    private long _freeAt;
    private long _delivered;
    private long _swallowed;

    public FlowGate(TimeProvider time, int? maxBytesPerSecond)
    {
        _time = time;
        _maxBytesPerSecond = maxBytesPerSecond;
    }

    public long Delivered => Interlocked.Read(ref _delivered);

    public long Swallowed => Interlocked.Read(ref _swallowed);

    public void Set(FlowMode mode)
    {
        lock (_gate)
        {
            _mode = mode;
            _changed.SetResult();
            _changed = NewSignal();
        }
    }

    /// <summary>Waits while the direction is held, then tells whether bytes pass (true) or are swallowed (false).</summary>
    public async ValueTask<bool> EnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_mode != FlowMode.Hold)
                {
                    return _mode == FlowMode.Pass;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits for this many bytes' turn under the rate cap.</summary>
    public async ValueTask PaceAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_maxBytesPerSecond is not { } rate)
        {
            return;
        }

        long turn;
        lock (_gate)
        {
            turn = Math.Max(_freeAt, _time.GetTimestamp());
            _freeAt = turn + (long)((double)bytes / rate * _time.TimestampFrequency);
        }

        await WaitUntilAsync(turn, cancellationToken);
    }

    public async ValueTask WaitUntilAsync(long timestamp, CancellationToken cancellationToken)
    {
        var wait = _time.GetElapsedTime(_time.GetTimestamp(), timestamp);
        if (wait > TimeSpan.Zero)
        {
            var tick = TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
            using var timer = new PeriodicTimer(tick, _time);
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    public void CountDelivered(int bytes) => Interlocked.Add(ref _delivered, bytes);

    public void CountSwallowed(int bytes) => Interlocked.Add(ref _swallowed, bytes);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
