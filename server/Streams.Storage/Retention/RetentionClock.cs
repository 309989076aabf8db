namespace Streams.Storage;

/// <summary>The moment by which retention counts ages. It follows the wall clock, but a jump forward is believed only when it has stood
/// for a day: else one wrong reading would delete everything. Until then it goes on by the machine's own count of time. A jump back is
/// followed at once: it only keeps more.</summary>
/// <remarks>When the process starts there is no count from before. What stands in for it is the newest entry written here: a wall clock
/// that is far ahead of it has jumped, or nothing was written for long, and the two look alike. Pure. Not safe for several
/// threads.</remarks>
public sealed class RetentionClock
{
    /// <summary>How far the wall clock may be ahead between two looks without being doubted.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>How long a jump must stand: long enough for somebody to see the line in the log and set the clock right.</summary>
    public static readonly TimeSpan BelievedAfter = TimeSpan.FromHours(24);

    private DateTimeOffset _now;
    private TimeSpan _elapsed;
    private TimeSpan? _jumpedAt;

    /// <summary>A clock at the moment of its first look.</summary>
    /// <param name="wall">What the wall clock says.</param>
    /// <param name="elapsed">The machine's own count of time.</param>
    /// <param name="newestWritten">When the newest entry of the own lanes was written; <see langword="null"/> when there is none.</param>
    public RetentionClock(DateTimeOffset wall, TimeSpan elapsed, DateTimeOffset? newestWritten)
    {
        _elapsed = elapsed;
        _now = wall;
        if (newestWritten is { } newest && wall > newest + Tolerance)
        {
            _now = newest;
            _jumpedAt = elapsed;
        }
    }

    /// <summary>How far the wall clock is ahead of what is believed; zero when it is believed.</summary>
    public TimeSpan Doubted { get; private set; }

    /// <summary>The moment by which ages count now.</summary>
    /// <param name="wall">What the wall clock says.</param>
    /// <param name="elapsed">The machine's own count of time; never goes back.</param>
    public DateTimeOffset Look(DateTimeOffset wall, TimeSpan elapsed)
    {
        DateTimeOffset expected = _now + (elapsed - _elapsed);
        _elapsed = elapsed;
        bool isAhead = wall > expected + Tolerance;
        _jumpedAt = isAhead ? _jumpedAt ?? elapsed : null;
        bool isBelieved = !isAhead || elapsed - _jumpedAt >= BelievedAfter;
        _now = isBelieved ? wall : expected;
        _jumpedAt = isBelieved ? null : _jumpedAt;
        Doubted = isBelieved ? TimeSpan.Zero : wall - expected;
        return _now;
    }
}
