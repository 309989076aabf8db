namespace Streams.Client;

/// <summary>Days of the week, to be put together.</summary>
[Flags]
public enum WeekDays
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Sunday.</summary>
    Sunday = 1,

    /// <summary>Monday.</summary>
    Monday = 2,

    /// <summary>Tuesday.</summary>
    Tuesday = 4,

    /// <summary>Wednesday.</summary>
    Wednesday = 8,

    /// <summary>Thursday.</summary>
    Thursday = 16,

    /// <summary>Friday.</summary>
    Friday = 32,

    /// <summary>Saturday.</summary>
    Saturday = 64,

    /// <summary>Monday to Friday.</summary>
    Workdays = Monday | Tuesday | Wednesday | Thursday | Friday,

    /// <summary>Saturday and Sunday.</summary>
    Weekend = Saturday | Sunday,

    /// <summary>All seven.</summary>
    All = Workdays | Weekend,
}

/// <summary>A part of the day with a rate of its own.</summary>
public sealed record SendWindow
{
    /// <summary>The days on which it begins. Default: all.</summary>
    public WeekDays Days { get; init; } = WeekDays.All;

    /// <summary>When it begins, by the clock on the wall. Default 00:00.</summary>
    public TimeOnly From { get; init; }

    /// <summary>When it ends, the moment itself not in it. Not later than <see cref="From"/> it is on the next day; the same as
    /// <see cref="From"/> is a whole day. Default 00:00.</summary>
    public TimeOnly To { get; init; }

    /// <summary>Bytes a second while it lasts; 0 sends nothing, <see langword="null"/> is no limit.</summary>
    public required long? BytesPerSecond { get; init; }
}

/// <summary>How much the client may send, for lines that are paid for by the byte. Counts what the client gives to the connection, not
/// what TLS, TCP and IP add.</summary>
/// <remarks>Only batches wait. Acknowledgements, credit and what keeps the connection alive go at once, and are counted: batches wait the
/// longer. What is published meanwhile is kept in the outbox.</remarks>
public sealed record SendCap
{
    /// <summary>Bytes a second outside all windows; 0 sends nothing, <see langword="null"/> (the default) is no limit. Other rates are at
    /// least 100.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Parts of the day with other rates; where several hold, the first counts. At most 64.</summary>
    public IReadOnlyList<SendWindow> Windows { get; init; } = [];

    /// <summary>Whose wall clock the windows go by. Default: the machine's. Where summer time skips an hour, what lies in it is skipped;
    /// where an hour comes twice, so does what lies in it.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Local;
}
