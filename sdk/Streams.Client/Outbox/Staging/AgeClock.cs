namespace Streams.Client;

/// <summary>What the clocks of the device say.</summary>
/// <param name="Wall">The wall clock, in milliseconds since 1970.</param>
/// <param name="Steady">A clock that nobody sets, in milliseconds since some moment of the running boot.</param>
/// <param name="Boot">Names the boot in which <paramref name="Steady"/> runs, or empty when that is not known.</param>
internal readonly record struct ClockReading(long Wall, long Steady, string Boot);

/// <summary>What is kept of an opening for the ages of its events.</summary>
/// <param name="Opening">Its number.</param>
/// <param name="Length">How long it was open, in milliseconds of the steady clock.</param>
/// <param name="Dark">What counts of the time between the opening before and this one.</param>
/// <param name="AnchorWall">The wall clock at a moment...</param>
/// <param name="SinceAnchor">...and what was counted since.</param>
/// <param name="Boot">The boot in which it was open.</param>
/// <param name="Steady">The steady clock at the end.</param>
internal readonly record struct AgeMark(long Opening, long Length, long Dark, long AnchorWall, long SinceAnchor, string Boot, long Steady);

/// <summary>How old the events in an outbox are, over restarts, reboots and wall clocks that are set (docs/client.md).</summary>
/// <remarks>Pure. (1) While the outbox is open only the steady clock counts; a wall clock that is set counts nothing. (2) Between two
/// openings of one boot the steady clock went on, and counts. (3) Between two boots the step of the wall clock counts, from its last
/// reading (the anchor) on. It is looked at a minute after the opening, so that a clock that is set at the start of a device is right by
/// then, and nothing counts before; a step backwards, one of more than a year, or one from or to a time before 2024 counts nothing. (4) A
/// wall clock behind the anchor does not become the anchor until it has run evenly for an hour: one that was wrong for a while and is right
/// again would count the difference. So an error makes events live longer, not die earlier, but for one case: a wall clock that was behind
/// by less than a year and ran so for an hour.</remarks>
internal sealed class AgeClock
{
    /// <summary>Milliseconds after an opening from which on the wall clock is believed.</summary>
    public const long SettleAfter = 60_000;

    /// <summary>The longest step of a wall clock that counts, in milliseconds.</summary>
    public const long LongestDark = 366L * 86_400_000;

    /// <summary>1 January 2024: a wall clock before this was never set.</summary>
    public const long FirstPlausible = 1_704_067_200_000;

    private const long EvenFor = 3_600_000;
    private const long Unevenness = 2_000;

    private readonly List<AgeMark> _earlier;
    private readonly AgeMark? _before;
    private readonly ClockReading _opened;
    private ClockReading _now;
    private long _anchorWall;
    private long _sinceAnchor;
    private long _evenSince;
    private bool _settled;

    /// <summary>An opening begins.</summary>
    /// <param name="earlier">What is kept of earlier ones, in order: the last must be the opening before, the first may be any.</param>
    /// <param name="now">The clocks.</param>
    public AgeClock(IReadOnlyList<AgeMark> earlier, ClockReading now)
    {
        _earlier = [.. earlier];
        _before = _earlier.Count > 0 ? _earlier[^1] : null;
        Opening = (_before?.Opening ?? 0) + 1;
        _opened = _now = now;
        _anchorWall = _before?.AnchorWall ?? now.Wall;
        _sinceAnchor = _before?.SinceAnchor ?? 0;
        _settled = _before is null;
        if (_before is { } before && before.Boot.Length > 0 && before.Boot == now.Boot && now.Steady >= before.Steady)
        {
            Dark = now.Steady - before.Steady;
            _sinceAnchor += Dark;
            _settled = true;
        }
    }

    /// <summary>Number of this opening.</summary>
    public long Opening { get; }

    /// <summary>Milliseconds since it began.</summary>
    public long Length { get; private set; }

    /// <summary>What counts of the time before it.</summary>
    public long Dark { get; private set; }

    /// <summary>Time passes.</summary>
    public void Advance(ClockReading now)
    {
        long passed = Math.Max(0, now.Steady - _now.Steady);
        bool even = Math.Abs(now.Wall - _now.Wall - passed) <= Unevenness + (passed / 1000);
        Length += passed;
        _sinceAnchor += passed;
        _now = now with { Steady = Math.Max(now.Steady, _now.Steady) };
        _evenSince = even ? _evenSince : Length;
        if (!_settled && Length >= SettleAfter)
        {
            _settled = true;
            Dark = Plausible(now.Wall - _anchorWall - _sinceAnchor, now.Wall, _anchorWall);
            _sinceAnchor += Dark;
        }

        if (_settled && now.Wall >= FirstPlausible && (now.Wall >= _anchorWall + _sinceAnchor || Length - _evenSince >= EvenFor))
        {
            (_anchorWall, _sinceAnchor) = (now.Wall, 0);
        }
    }

    /// <summary>What counts of the time since the beginning of an opening, in milliseconds.</summary>
    public long Elapsed(long opening)
    {
        long elapsed = Length;
        if (opening < Opening)
        {
            elapsed += Dark;
            for (int i = _earlier.Count - 1; i >= 0 && _earlier[i].Opening >= opening; i--)
            {
                elapsed += _earlier[i].Length + (_earlier[i].Opening > opening ? _earlier[i].Dark : 0);
            }
        }

        return elapsed;
    }

    /// <summary>What is to be kept of this opening, as of now.</summary>
    public AgeMark Mark() => new(Opening, Length, Dark, _anchorWall, _sinceAnchor, _opened.Boot, _now.Steady);

    private static long Plausible(long step, long wall, long anchor) =>
        step is > 0 and <= LongestDark && wall >= FirstPlausible && anchor >= FirstPlausible ? step : 0;
}
