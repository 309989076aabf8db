using System.Collections.Immutable;
using System.Globalization;
using Streams.Client;

namespace Streams.EdgeAgent;

/// <summary>Reads how much an uplink may send, and when.</summary>
internal static class SendCapReader
{
    private const long LeastRate = 100;
    private const int MaxWindows = 64;

    private static readonly (string Name, WeekDays Days)[] Days =
    [
        ("monday", WeekDays.Monday), ("tuesday", WeekDays.Tuesday), ("wednesday", WeekDays.Wednesday), ("thursday", WeekDays.Thursday),
        ("friday", WeekDays.Friday), ("saturday", WeekDays.Saturday), ("sunday", WeekDays.Sunday), ("workdays", WeekDays.Workdays),
        ("weekend", WeekDays.Weekend),
    ];

    /// <summary>Reads it; what is wrong is among the faults.</summary>
    public static SendCap Read(ConfigObject cap)
    {
        SendCap read = new()
        {
            BytesPerSecond = Rate(cap),
            TimeZone = cap.Read<TimeZoneInfo>("timeZone", IsZone, null) ?? TimeZoneInfo.Local,
            Windows = [.. cap.Objects("windows", MaxWindows).Select(Window)],
        };
        if (!cap.Has("bytesPerSecond") && !cap.Has("windows"))
        {
            cap.Fault("bytesPerSecond", "is missing, and so is windows: nothing is limited");
        }

        cap.End();
        return read;
    }

    private static SendWindow Window(ConfigObject window)
    {
        window.Require("bytesPerSecond", "0 for nothing, or \"unlimited\"");
        ImmutableArray<WeekDays> days = window.Texts<WeekDays>("days", Days.Length, IsDay);
        SendWindow read = new()
        {
            Days = window.Has("days") ? days.Aggregate(WeekDays.None, static (all, one) => all | one) : WeekDays.All,
            From = window.Read<TimeOnly>("from", IsTime, default),
            To = window.Read<TimeOnly>("to", IsTime, default),
            BytesPerSecond = Rate(window),
        };
        window.End();
        return read;
    }

    private static long? Rate(ConfigObject cap)
    {
        const string Key = "bytesPerSecond";
        if (!cap.Has(Key) || cap.IsWord(Key, "unlimited"))
        {
            return null;
        }

        long rate = cap.Bytes(Key, 0, 0, 1L << 40);
        if (rate is > 0 and < LeastRate)
        {
            cap.Fault(Key, $"must be 0, for nothing, or at least {LeastRate}");
        }

        return rate;
    }

    private static bool IsDay(string? text, out WeekDays day, out string? fault)
    {
        (string? name, day) = Days.FirstOrDefault(d => d.Name == text);
        fault = name is not null ? null : $"must be one of {string.Join(", ", Days.Select(static d => d.Name))}";
        return fault is null;
    }

    private static bool IsTime(string? text, out TimeOnly time, out string? fault)
    {
        fault = TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time) ? null
            : "must be a time of the day, as in 07:30";
        return fault is null;
    }

    private static bool IsZone(string? text, out TimeZoneInfo? zone, out string? fault)
    {
        fault = TimeZoneInfo.TryFindSystemTimeZoneById(text ?? string.Empty, out zone) ? null
            : "no such time zone is known here; for example Europe/Berlin";
        return fault is null;
    }
}
