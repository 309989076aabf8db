using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries of a lane that have events of one topic, among others of other topics.</summary>
/// <param name="Slice">The entries; some of them may have none. Dispose of it when the entries are no longer used.</param>
/// <param name="Next">The offset up to which no more of the topic is there: go on from it.</param>
public readonly record struct TopicSlice(LaneSlice Slice, Offset Next);

/// <summary>The latest event of a topic: a copy.</summary>
/// <param name="Lane">The lane in which it stands.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="TimestampMicroseconds">When it happened, by the producer's clock: microseconds since 1970 (UTC).</param>
/// <param name="Key">The key, or empty.</param>
/// <param name="Headers">The headers in stored form, or empty.</param>
/// <param name="Payload">The payload.</param>
public sealed record LatestValue(LaneId Lane, Offset Offset, long TimestampMicroseconds, ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> Headers, ReadOnlyMemory<byte> Payload);
