using System.Buffers.Binary;

namespace Streams.Faults;

/// <summary>
/// The payload of an event is made from who sent it and the how many-th it was, so whoever reads it back knows every byte of it.
/// </summary>
internal static class TestPayload
{
    private const int HeadBytes = 16;

    /// <summary>Most events are small, as those of devices are; one in sixteen is large.</summary>
    private const int SmallBytes = 600;
    private const int LargeBytes = 12_000;

    public static byte[] Make(long producer, long sequence)
    {
        var chance = new Random(HashOf(producer, sequence));
        var payload = new byte[HeadBytes + chance.Next(chance.Next(16) == 0 ? LargeBytes : SmallBytes)];
        chance.NextBytes(payload);
        BinaryPrimitives.WriteInt64LittleEndian(payload, producer);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(8), sequence);
        return payload;
    }

    /// <summary>Who sent it, and the how many-th it was; false when not every byte is as it was sent.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out long producer, out long sequence)
    {
        producer = 0;
        sequence = 0;
        if (payload.Length < HeadBytes)
        {
            return false;
        }

        producer = BinaryPrimitives.ReadInt64LittleEndian(payload);
        sequence = BinaryPrimitives.ReadInt64LittleEndian(payload[8..]);
        return payload.SequenceEqual(Make(producer, sequence));
    }

    // Not HashCode.Combine: that is another one in each process.
    private static int HashOf(long producer, long sequence) => unchecked((int)((producer * 1_000_003) + (sequence * 7919)));
}
