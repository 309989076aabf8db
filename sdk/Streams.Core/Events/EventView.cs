namespace Streams.Core;

/// <summary>One event inside a batch: slices of the batch's bytes, valid as long as they are. Nothing is copied.</summary>
public readonly struct EventView
{
    /// <summary>Place in the batch, from 0; sequence and offset follow from it.</summary>
    public int Index { get; internal init; }

    /// <summary>When it happened, by the producer's clock: microseconds since 1970 (UTC). Never used for order.</summary>
    public long TimestampMicroseconds { get; internal init; }

    /// <summary>The topic, UTF-8.</summary>
    public ReadOnlyMemory<byte> Topic { get; internal init; }

    /// <summary>The key, or empty.</summary>
    public ReadOnlyMemory<byte> Key { get; internal init; }

    /// <summary>The headers in stored form (<see cref="EventHeader.TryDecode"/>), or empty.</summary>
    public ReadOnlyMemory<byte> Headers { get; internal init; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload { get; internal init; }

    /// <summary>Whether it is to be its topic's retained message from now on; with an empty payload, whether the topic is to have
    /// none.</summary>
    public bool IsRetained { get; internal init; }
}
