namespace Streams.Core;

/// <summary>Which partition an event belongs to: <c>hash(key ?? topic) mod partitions</c>. Part of the format: it never changes.</summary>
public static class Partitioner
{
    /// <summary>The partition of an event with this key or, without one (<paramref name="key"/> empty), of this topic.</summary>
    public static PartitionId For(ReadOnlySpan<byte> key, ReadOnlySpan<byte> topic, int partitions) =>
        new((int)(Mix(Crc32C.Compute(key.IsEmpty ? topic : key)) % (uint)partitions));

    // CRC is linear, so near keys give near values: the finishing step of MurmurHash3 spreads them (public domain, A. Appleby).
    private static uint Mix(uint h)
    {
        h ^= h >> 16;
        h *= 0x85ebca6b;
        h ^= h >> 13;
        h *= 0xc2b2ae35;
        return h ^ (h >> 16);
    }
}
