namespace Streams.Mqtt;

/// <summary>
/// Remembers the strings of topic names that come again, so that decoding a PUBLISH of a known topic allocates no string and
/// validates nothing twice. Bounded: a fixed number of slots, a newcomer takes the slot its hash names; long names are not kept.
/// Not thread-safe: one per connection, used by its reader.
/// </summary>
public sealed class TopicNameCache
{
    /// <summary>Longer names (bytes) are not kept, so that a cache of 64 slots stays under about 50 KiB.</summary>
    public const int MaximumNameBytes = 256;

    private readonly int _slots;
    private Entry[]? _entries;

    /// <summary>Makes an empty cache; memory is taken at the first name.</summary>
    /// <param name="slots">How many names at most; 1 to 65,536, rounded up to a power of two.</param>
    public TopicNameCache(int slots = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots, 65_536);
        _slots = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slots);
    }

    internal string? Find(ReadOnlySpan<byte> utf8)
    {
        if (_entries is null || utf8.Length > MaximumNameBytes)
        {
            return null;
        }

        ref Entry entry = ref _entries[Slot(utf8)];
        return entry.Utf8 is not null && utf8.SequenceEqual(entry.Utf8) ? entry.Name : null;
    }

    internal void Keep(ReadOnlySpan<byte> utf8, string name)
    {
        if (utf8.Length <= MaximumNameBytes)
        {
            _entries ??= new Entry[_slots];
            _entries[Slot(utf8)] = new Entry(utf8.ToArray(), name);
        }
    }

    private int Slot(ReadOnlySpan<byte> utf8)
    {
        // The hash of the platform is seeded per process: a peer cannot aim at one slot, and if it could it would only miss.
        HashCode hash = default;
        hash.AddBytes(utf8);
        return hash.ToHashCode() & (_slots - 1);
    }

    private readonly record struct Entry(byte[]? Utf8, string? Name);
}
