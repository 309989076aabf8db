namespace Streams.Faults;

/// <summary>The system's time with a wall clock that can be set; the steady clock and timers go on.</summary>
internal sealed class ShiftedTime(TimeSpan off) : TimeProvider
{
    private long _offTicks = off.Ticks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _offTicks));

    /// <summary>Sets the wall clock forward, or back.</summary>
    public void Jump(TimeSpan by) => Interlocked.Add(ref _offTicks, by.Ticks);
}
