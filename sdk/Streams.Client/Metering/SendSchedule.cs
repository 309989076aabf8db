namespace Streams.Client;

/// <summary>Which rate holds at a moment.</summary>
/// <remarks>Pure. Nothing is remembered from one moment to the next, so a clock that jumps leads to the rate of where it jumped
/// to.</remarks>
internal sealed class SendSchedule(SendCap cap)
{
    /// <summary>Bytes a second at this moment; <see langword="null"/> is no limit.</summary>
    public long? RateAt(DateTimeOffset moment)
    {
        DateTime wall = TimeZoneInfo.ConvertTime(moment, cap.TimeZone).DateTime;
        TimeOnly time = TimeOnly.FromDateTime(wall);
        WeekDays today = Day(wall.DayOfWeek);
        WeekDays yesterday = Day((DayOfWeek)(((int)wall.DayOfWeek + 6) % 7));
        foreach (SendWindow window in cap.Windows)
        {
            bool overMidnight = window.To <= window.From;
            bool begunToday = (window.Days & today) != 0 && time >= window.From && (overMidnight || time < window.To);
            bool begunYesterday = overMidnight && (window.Days & yesterday) != 0 && time < window.To;
            if (begunToday || begunYesterday)
            {
                return window.BytesPerSecond;
            }
        }

        return cap.BytesPerSecond;
    }

    private static WeekDays Day(DayOfWeek day) => (WeekDays)(1 << (int)day);
}
