namespace Streams.Testing;

/// <summary>A timer of <see cref="VirtualTime"/>; its fields belong to the clock and are changed under the clock's lock.</summary>
internal sealed class VirtualTimer : ITimer
{
    private static readonly TimeSpan MaxSpan = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly VirtualTime _time;
    private readonly TimerCallback _callback;
    private readonly object? _state;
    private readonly ExecutionContext? _context;

    public VirtualTimer(VirtualTime time, TimerCallback callback, object? state)
    {
        _time = time;
        _callback = callback;
        _state = state;
        _context = ExecutionContext.Capture();
    }

    public static IComparer<VirtualTimer> Order { get; } = Comparer<VirtualTimer>.Create(static (a, b) =>
    {
        var byDue = a.DueTicks.CompareTo(b.DueTicks);
        return byDue != 0 ? byDue : a.Arming.CompareTo(b.Arming);
    });

    public long DueTicks { get; set; }

    public long PeriodTicks { get; set; }

    /// <summary>Grows with every arming in the whole clock: it breaks ties and makes each key unique.</summary>
    public long Arming { get; set; }

    public bool Disposed { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        return _time.Arm(this, dueTime, period);
    }

    public void Fire()
    {
        if (_context is null)
        {
            _callback(_state);
            return;
        }

        ExecutionContext.Run(_context, static timer => ((VirtualTimer)timer!).Call(), this);
    }

    public void Dispose() => _time.Disarm(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private static void Check(TimeSpan span, string name)
    {
        if (span != Timeout.InfiniteTimeSpan && (span < TimeSpan.Zero || span > MaxSpan))
        {
            throw new ArgumentOutOfRangeException(name, span, "A timer takes a span from zero to about 49 days, or the infinite one.");
        }
    }

    private void Call() => _callback(_state);
}
