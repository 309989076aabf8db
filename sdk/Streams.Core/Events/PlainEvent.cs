namespace Streams.Core;

/// <summary>An event of a client without an outbox.</summary>
/// <param name="Topic">UTF-8 of the topic.</param>
/// <param name="Key">The key, or empty.</param>
/// <param name="Headers">From <see cref="EventHeader.Encode"/>, or empty.</param>
/// <param name="Payload">The payload; must not change until the append completes.</param>
/// <param name="TimestampMicroseconds">Microseconds since 1970.</param>
public readonly record struct PlainEvent(ReadOnlyMemory<byte> Topic, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Headers,
    ReadOnlyMemory<byte> Payload, long TimestampMicroseconds);
