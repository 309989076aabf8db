namespace Streams.Core;

/// <summary>An event of a client without an outbox.</summary>
/// <param name="Topic">UTF-8 of the topic.</param>
/// <param name="Key">The key, or empty.</param>
/// <param name="Headers">From <see cref="EventHeader.Encode"/>, or empty.</param>
/// <param name="Payload">The payload; must not change until the append completes.</param>
/// <param name="TimestampMicroseconds">Microseconds since 1970.</param>
/// <param name="IsRetained">Whether it is to be its topic's retained message from now on; with an empty payload, whether the topic is to
/// have none. Where the topic's retained message has a time at or behind <paramref name="TimestampMicroseconds"/>, the store takes the
/// next microsecond behind that instead: a client that comes to a cluster whose clock is behind must not lose to its own older
/// message.</param>
/// <param name="Client">Whose it is, where that is known: the client id. A store that passes events on keeps those of each client apart,
/// in their order.</param>
public readonly record struct PlainEvent(ReadOnlyMemory<byte> Topic, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Headers,
    ReadOnlyMemory<byte> Payload, long TimestampMicroseconds, bool IsRetained = false, string? Client = null);
