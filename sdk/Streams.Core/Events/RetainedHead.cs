namespace Streams.Core;

/// <summary>Which event is the retained message of a topic: of all events with the flag the one with the latest time; of equal ones the one
/// of the later origin, then of the higher partition, then offset. Every cluster that has heard of the same events says the same.</summary>
/// <param name="Topic">UTF-8 of the topic. Does not change.</param>
/// <param name="Lane">The lane in which the event stands.</param>
/// <param name="Offset">Its offset there. It may be before what is kept here, or behind it where the lane has not come that far.</param>
/// <param name="TimestampMicroseconds">When it happened: microseconds since 1970.</param>
/// <param name="HasMessage">False when the event had no payload, which removed the retained message.</param>
public readonly record struct RetainedHead(ReadOnlyMemory<byte> Topic, LaneId Lane, Offset Offset, long TimestampMicroseconds,
    bool HasMessage);

/// <summary>Some of the topics of a stream that have a retained message.</summary>
/// <param name="Heads">At most as many as were asked for, often fewer, in the order in which the topics first had one here.</param>
/// <param name="Next">Where to go on; -1 when these are the last.</param>
public readonly record struct RetainedPage(IReadOnlyList<RetainedHead> Heads, int Next);

/// <summary>A retained message: a copy.</summary>
/// <param name="Head">Which event it is.</param>
/// <param name="Key">The key, or empty.</param>
/// <param name="Headers">The headers in stored form (<see cref="EventHeader.TryDecode"/>), or empty.</param>
/// <param name="Payload">The payload, never empty.</param>
public sealed record RetainedMessage(RetainedHead Head, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Headers,
    ReadOnlyMemory<byte> Payload);
