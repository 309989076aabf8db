using Streams.Core;

namespace Streams.Client;

/// <summary>Where a consumer is to go on: <see cref="StreamsConsumer.SeekAsync"/>.</summary>
public sealed class SeekPosition
{
    private SeekPosition(SeekKind kind, long time, IReadOnlyList<(PartitionId, EventPlace)> places) =>
        (Kind, Time, Places) = (kind, time, places);

    /// <summary>The first event kept of each lane.</summary>
    public static SeekPosition Earliest { get; } = new(SeekKind.Earliest, 0, []);

    /// <summary>Behind the last event that the cluster has of each lane.</summary>
    public static SeekPosition Latest { get; } = new(SeekKind.Latest, 0, []);

    internal SeekKind Kind { get; }

    internal long Time { get; }

    internal IReadOnlyList<(PartitionId Partition, EventPlace Place)> Places { get; }

    /// <summary>What was appended at or behind a time, by the clock of each lane's origin; lanes without such events go on at their
    /// end.</summary>
    public static SeekPosition At(DateTimeOffset time) =>
        new(SeekKind.Time, (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, []);

    /// <summary>A place in a lane: the event there is the next one of it. All other lanes stay.</summary>
    public static SeekPosition At(PartitionId partition, EventPlace place) => new(SeekKind.Places, 0, [(partition, place)]);

    /// <summary>A place in each of these lanes, all moved together. All other lanes stay.</summary>
    /// <exception cref="ArgumentException">There is none, or there are more than 16,384.</exception>
    public static SeekPosition At(IReadOnlyList<(PartitionId Partition, EventPlace Place)> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        return places.Count is > 0 and <= SeekRequest.MaxPlaces ? new SeekPosition(SeekKind.Places, 0, [.. places])
            : throw new ArgumentException($"{places.Count} places were given: 1 to {SeekRequest.MaxPlaces} can be sought", nameof(places));
    }

    /// <summary>What it is, for people.</summary>
    public override string ToString() => Kind switch
    {
        SeekKind.Time => $"time {Time} µs",
        SeekKind.Places => string.Join(", ", Places),
        _ => Kind.ToString().ToLowerInvariant(),
    };
}
