using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>The headers that make an event one that tells of a gap: <c>streams-gap</c> (the reason) and beside it how many events, and the
/// earliest and the latest time among them.</summary>
internal static class GapHeaders
{
    /// <summary>Names that begin so are kept for these headers.</summary>
    public const string Reserved = "streams-gap";

    private const string Events = "streams-gap-events";
    private const string First = "streams-gap-first";
    private const string Last = "streams-gap-last";
    private const string TimeForm = "yyyy-MM-ddTHH:mm:ss.ffffffZ";

    /// <summary>More than the headers of a gap take.</summary>
    public const int MaxBytes = 160;

    /// <summary>Refuses headers of an application that bear these names.</summary>
    /// <exception cref="InvalidRequestException">One does.</exception>
    public static void Check(IReadOnlyList<EventHeader>? headers)
    {
        for (int i = 0; i < headers?.Count; i++)
        {
            if (headers[i].Name?.StartsWith(Reserved, StringComparison.Ordinal) == true)
            {
                throw new InvalidRequestException($"header '{headers[i].Name}': names that begin with '{Reserved}' are kept for gaps");
            }
        }
    }

    /// <summary>Writes them; times are microseconds since 1970.</summary>
    public static byte[] Encode(GapReason reason, long events, long first, long last) => EventHeader.Encode(
    [
        Header(Reserved, NameOf(reason)),
        Header(Events, events.ToString(CultureInfo.InvariantCulture)),
        Header(First, TimeOf(first).ToString(TimeForm, CultureInfo.InvariantCulture)),
        Header(Last, TimeOf(last).ToString(TimeForm, CultureInfo.InvariantCulture)),
    ]);

    /// <summary>Reads them; <see langword="null"/> when the event is no gap, or its headers make no sense.</summary>
    public static EventGap? Read(IReadOnlyList<EventHeader> headers)
    {
        if (headers.Count < 4 || headers[0].Name != Reserved)
        {
            return null;
        }

        return Text(headers[0]) is { } name && ReasonOf(name) is { } reason
            && headers[1].Name == Events
            && long.TryParse(Text(headers[1]), NumberStyles.None, CultureInfo.InvariantCulture, out long events) && events > 0
            && headers[2].Name == First && TryTime(headers[2], out DateTimeOffset first)
            && headers[3].Name == Last && TryTime(headers[3], out DateTimeOffset last)
            ? new EventGap(reason, events, first, last) : null;
    }

    /// <summary>The reason's name, in headers and metrics.</summary>
    public static string NameOf(GapReason reason) => reason switch
    {
        GapReason.Full => "full",
        GapReason.Expired => "expired",
        GapReason.Damaged => "damaged",
        _ => "superseded",
    };

    private static GapReason? ReasonOf(string name) => name switch
    {
        "full" => GapReason.Full,
        "expired" => GapReason.Expired,
        "superseded" => GapReason.Superseded,
        "damaged" => GapReason.Damaged,
        _ => null,
    };

    private static EventHeader Header(string name, string value) => new(name, Encoding.ASCII.GetBytes(value));

    private static string Text(EventHeader header) => Encoding.UTF8.GetString(header.Value.Span);

    // An application may give any time; what a calendar does not hold is told as its end.
    private static DateTimeOffset TimeOf(long microseconds) => DateTimeOffset.UnixEpoch.AddMicroseconds(
        Math.Clamp(microseconds, -62_135_596_800_000_000, 253_402_300_799_000_000));

    private static bool TryTime(EventHeader header, out DateTimeOffset time) => DateTimeOffset.TryParseExact(Text(header), TimeForm,
        CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
