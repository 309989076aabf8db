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

    /// <summary>Bytes of topic, key, headers and payload.</summary>
    public int Bytes => Topic.Length + Key.Length + Headers.Length + Payload.Length;

    /// <summary>The same event with its bytes in memory of the caller's.</summary>
    /// <param name="target">Takes <see cref="Bytes"/>, or more.</param>
    public EventView CopyTo(Memory<byte> target)
    {
        return this with
        {
            Topic = Take(Topic, ref target),
            Key = Take(Key, ref target),
            Headers = Take(Headers, ref target),
            Payload = Take(Payload, ref target),
        };

        static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> part, ref Memory<byte> target)
        {
            part.CopyTo(target);
            Memory<byte> taken = target[..part.Length];
            target = target[part.Length..];
            return taken;
        }
    }
}
