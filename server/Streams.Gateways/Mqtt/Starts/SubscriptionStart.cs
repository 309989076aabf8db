using System.Globalization;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What a subscription begins with.</summary>
internal enum StartKind
{
    /// <summary>What comes from now on.</summary>
    Latest,

    /// <summary>The first event that is kept.</summary>
    Earliest,

    /// <summary>An offset, in every lane.</summary>
    Offset,

    /// <summary>What was appended at a time or later, by the clock of each lane's origin.</summary>
    Time,

    /// <summary>Where the cursor of a consumer is.</summary>
    Cursor,
}

/// <summary>Where the filters of one SUBSCRIBE begin: its user property <c>start</c>. 3.1.1 has none: there it is always
/// <see cref="StartKind.Latest"/>.</summary>
/// <param name="Kind">Which of the ways.</param>
/// <param name="Offset">With <see cref="StartKind.Offset"/>.</param>
/// <param name="Time">With <see cref="StartKind.Time"/>.</param>
/// <param name="Consumer">With <see cref="StartKind.Cursor"/>.</param>
internal readonly record struct SubscriptionStart(
    StartKind Kind, Offset Offset = default, DateTimeOffset Time = default, ConsumerName Consumer = default)
{
    /// <summary>The name of the user property.</summary>
    public const string Property = "start";

    private const string Right = "'latest', 'earliest', 'offset:N' (0 or more), 'time:2026-01-31T08:30:00Z' or 'cursor:NAME'";

    private static readonly string[] s_timeForms = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"];

    /// <summary>Reads it; false when it is none, and <paramref name="fault"/> says what would be right.</summary>
    public static bool TryRead(MqttProperties? properties, out SubscriptionStart start, out string? fault)
    {
        (start, fault) = (default, null);
        string? word = null;
        foreach (MqttUserProperty property in properties?.UserProperties ?? [])
        {
            if (property.Name != Property)
            {
                continue;
            }

            if (word is not null)
            {
                fault = $"'{Property}' is given more than once: a SUBSCRIBE has one, for all of its filters";
                return false;
            }

            word = property.Value;
        }

        if (word is not null && !TryParse(word, out start))
        {
            fault = $"{Property} '{word}' must be {Right}";
        }

        return fault is null;
    }

    /// <summary>Where it is in a lane, as far as the lane alone says it: never before what is kept.</summary>
    /// <param name="lane">The lane as it is here.</param>
    /// <param name="found">Where the time, or the cursor, is in it.</param>
    public Offset In(in LaneStatus lane, Offset found) => Kind switch
    {
        StartKind.Latest => lane.NextOffset,
        StartKind.Earliest => lane.FirstOffset,
        StartKind.Offset => Offset.Max(Offset, lane.FirstOffset),
        _ => Offset.Max(found, lane.FirstOffset),
    };

    private static bool TryParse(string word, out SubscriptionStart start)
    {
        start = default;
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        string value = colon < 0 ? string.Empty : word[(colon + 1)..];
        switch (colon < 0 ? word : word[..colon])
        {
            case "latest" when colon < 0:
                return true;
            case "earliest" when colon < 0:
                start = new SubscriptionStart(StartKind.Earliest);
                return true;
            case "offset" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long offset):
                start = new SubscriptionStart(StartKind.Offset, new Offset(offset));
                return true;
            case "time" when DateTimeOffset.TryParseExact(value, s_timeForms, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out DateTimeOffset time):
                start = new SubscriptionStart(StartKind.Time, Time: time);
                return true;
            case "cursor" when ConsumerName.TryParse(value, out ConsumerName consumer, out _):
                start = new SubscriptionStart(StartKind.Cursor, Consumer: consumer);
                return true;
            default:
                return false;
        }
    }
}
