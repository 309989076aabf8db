namespace Streams.Testing;

/// <summary>
/// A clock that stands still until it is told to move. Timers fire only inside <see cref="Advance"/>,
/// <see cref="AdvanceToNextTimer"/> and <see cref="RunUntilIdle"/>, on the calling thread, ordered by due time and,
/// at the same due time, by the order in which they were armed. While a callback runs the clock shows that timer's due time.
/// </summary>
/// <remarks>
/// May be used from several threads: movements exclude each other and their spans add up. A callback may itself arm timers,
/// dispose them or move the clock. A timer with due time zero fires with the next movement, even one by zero.
/// An exception of a callback reaches the caller that moved the clock; the remaining timers stay armed.
/// </remarks>
public sealed class VirtualTime : TimeProvider
{
    /// <summary>More callbacks than this in one movement are taken for an endless loop of timers at one instant.</summary>
    private const int MaxCallbacksPerMovement = 10_000_000;

    // Held while callbacks run, so that two movers never interleave; _gate is never held across a callback.
    private readonly Lock _movement = new();
    private readonly Lock _gate = new();
    private readonly SortedSet<VirtualTimer> _armed = new(VirtualTimer.Order);
    private readonly DateTimeOffset _start;
    private long _elapsedTicks;
    private long _skewTicks;
    private long _armings;

    public VirtualTime(DateTimeOffset? start = null)
    {
        _start = (start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)).ToUniversalTime();
    }

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far the clock has been moved since it was made.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            lock (_gate)
            {
                return new TimeSpan(_elapsedTicks);
            }
        }
    }

    public int ArmedTimers
    {
        get
        {
            lock (_gate)
            {
                return _armed.Count;
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _start.AddTicks(_elapsedTicks + _skewTicks);
        }
    }

    public override long GetTimestamp()
    {
        lock (_gate)
        {
            return _elapsedTicks;
        }
    }

    /// <summary>Steps the wall clock (forwards or backwards) as an operator would: timers and timestamps do not notice.</summary>
    public void StepWallClock(TimeSpan by)
    {
        lock (_gate)
        {
            _skewTicks += by.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock and fires what comes due on the way, including timers armed by the callbacks themselves.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        lock (_movement)
        {
            var target = Elapsed.Ticks + by.Ticks;
            FireUntil(target);
            lock (_gate)
            {
                _elapsedTicks = Math.Max(_elapsedTicks, target);
            }
        }
    }

    /// <summary>Moves the clock to the next due time and fires that one timer. False, and nothing moved, when none is armed.</summary>
    public bool AdvanceToNextTimer()
    {
        lock (_movement)
        {
            if (TakeNext(long.MaxValue) is not { } timer)
            {
                return false;
            }

            timer.Fire();
            return true;
        }
    }

    /// <summary>
    /// Jumps from timer to timer until none is armed (true) or the next lies beyond <paramref name="limit"/> from now
    /// (false; default one hour). The clock stays at the last timer fired.
    /// </summary>
    public bool RunUntilIdle(TimeSpan? limit = null)
    {
        lock (_movement)
        {
            FireUntil(Elapsed.Ticks + (limit ?? TimeSpan.FromHours(1)).Ticks);
            return ArmedTimers == 0;
        }
    }

    internal bool Arm(VirtualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            if (timer.Disposed)
            {
                return false;
            }

            _armed.Remove(timer);
            timer.PeriodTicks = period <= TimeSpan.Zero ? 0 : period.Ticks;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Enqueue(timer, _elapsedTicks + dueTime.Ticks);
            }

            return true;
        }
    }

    internal void Disarm(VirtualTimer timer)
    {
        lock (_gate)
        {
            timer.Disposed = true;
            _armed.Remove(timer);
        }
    }

    private void FireUntil(long target)
    {
        for (var fired = 0; TakeNext(target) is { } timer; fired++)
        {
            if (fired == MaxCallbacksPerMovement)
            {
                throw new InvalidOperationException($"{fired} callbacks in one movement of the clock: a timer re-arms itself without end.");
            }

            timer.Fire();
        }
    }

    private VirtualTimer? TakeNext(long target)
    {
        lock (_gate)
        {
            if (_armed.Min is not { } timer || timer.DueTicks > target)
            {
                return null;
            }

            _armed.Remove(timer);
            _elapsedTicks = Math.Max(_elapsedTicks, timer.DueTicks);
            if (timer.PeriodTicks > 0)
            {
                Enqueue(timer, timer.DueTicks + timer.PeriodTicks);
            }

            return timer;
        }
    }

    private void Enqueue(VirtualTimer timer, long dueTicks)
    {
        // The key may change only while the timer is outside the set.
        timer.DueTicks = dueTicks;
        timer.Arming = ++_armings;
        _armed.Add(timer);
    }
}
