using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Client;

/// <summary>What is known of a partition while a damaged outbox is saved.</summary>
/// <param name="id">Its number in the file.</param>
internal sealed class SavedPartition(long id)
{
    /// <summary>How far sequences go on behind the last one seen when it cannot be proven which were given: farther than any outbox gives
    /// between two openings.</summary>
    public const long Leap = 1L << 32;

    /// <summary>Its number in the file.</summary>
    public long Id => id;

    /// <summary>Which one it is, or <see langword="null"/> while that is not known.</summary>
    public StreamPartition? Partition { get; set; }

    /// <summary>Whether the name is from a row with a checksum.</summary>
    public bool IsChecked { get; set; }

    /// <summary>The next sequence, as its row says; 0 without a row.</summary>
    public long Next { get; private set; }

    /// <summary>Events that waited, as its row says; less than 0 when that is not known.</summary>
    public long Expected { get; private set; } = -1;

    /// <summary>The next number in the stage.</summary>
    public long StageNext { get; private set; } = 1;

    /// <summary>Events and gaps in the stage, as its row says; less than 0 when that is not known.</summary>
    public long StageExpected { get; private set; } = -1;

    /// <summary>Bytes in the stage, as its row says.</summary>
    public long StageBytes { get; private set; }

    /// <summary>The highest sequence seen.</summary>
    public long Highest { get; set; }

    /// <summary>The highest number in the stage seen.</summary>
    public long StageHighest { get; set; }

    /// <summary>Whether its row was found where it belongs.</summary>
    public bool IsProven { get; private set; }

    /// <summary>A row of the partition: of several the one that is ahead counts.</summary>
    public void Found(long next, long events, bool isProven)
    {
        if (next > Next)
        {
            (Next, Expected) = (next, events);
        }

        IsProven |= isProven;
    }

    /// <summary>A row of its stage.</summary>
    public void FoundStage(long next, long rows, long bytes)
    {
        if (next >= StageNext)
        {
            (StageNext, StageExpected, StageBytes) = (next, rows, bytes);
        }
    }
}

/// <summary>The checksum of what is counted of a partition: it tells a count that was changed from events that are missing.</summary>
internal static class CountCheck
{
    /// <summary>Of the row of a partition.</summary>
    public static long Of(long id, long next, long events, long bytes) => Sum(1, id, next, events, bytes);

    /// <summary>Of the row of a stage.</summary>
    public static long OfStage(long id, long next, long rows, long bytes) => Sum(2, id, next, rows, bytes);

    private static long Sum(long kind, long id, long next, long rows, long bytes)
    {
        Span<byte> parts = stackalloc byte[40];
        BinaryPrimitives.WriteInt64LittleEndian(parts, kind);
        BinaryPrimitives.WriteInt64LittleEndian(parts[8..], id);
        BinaryPrimitives.WriteInt64LittleEndian(parts[16..], next);
        BinaryPrimitives.WriteInt64LittleEndian(parts[24..], rows);
        BinaryPrimitives.WriteInt64LittleEndian(parts[32..], bytes);
        return Crc32C.Compute(parts);
    }
}
