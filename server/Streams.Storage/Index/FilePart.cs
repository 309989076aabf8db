using System.Buffers;
using System.Buffers.Binary;

namespace Streams.Storage;

/// <summary>What the directory of an index file says of a part of a lane: its entries, the time by which the first and the last of them
/// were appended, and its first rows in the sections of places, topics and mentions.</summary>
internal readonly record struct FilePartShape(long FirstEntry, int Count, long FirstOffset, long NextOffset, long Events, long Bytes,
    long FirstAppendedBy, long AppendedBy, int Places, int Topics, int TopicCount, int Mentions);

/// <summary>A part of a lane in a segment that has ended: its rows are in the segment's index file and are read when they are
/// needed.</summary>
/// <remarks>Immutable, safe for use by many threads. Reads the disk: never call it under a lock that others wait for.</remarks>
internal sealed class FilePart : LanePart
{
    private readonly SegmentIndex _index;
    private readonly FilePartShape _shape;

    public FilePart(SegmentIndex index, in FilePartShape shape, long startBytes)
    {
        _index = index;
        _shape = shape;
        (FirstEntry, Count, FirstOffset, NextOffset) = (shape.FirstEntry, shape.Count, shape.FirstOffset, shape.NextOffset);
        (StartBytes, Bytes) = (startBytes, shape.Bytes);
    }

    /// <inheritdoc/>
    public override long AppendedBy => _shape.AppendedBy;

    /// <inheritdoc/>
    public override EntryPlace Place(int index)
    {
        Span<EntryPlace> one = stackalloc EntryPlace[1];
        _ = Places(index, one);
        return one[0];
    }

    /// <inheritdoc/>
    public override int Places(int index, Span<EntryPlace> into)
    {
        int count = Math.Min(into.Length, Count - index);
        IndexSection section = _index.Header.PlaceSection;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            int loaded = -1;
            for (int i = 0; i < count; i++)
            {
                int row = _shape.Places + index + i;
                if (section.PageOf(row) != loaded)
                {
                    loaded = section.PageOf(row);
                    _index.ReadPage(loaded, page);
                }

                into[i] = Read(page.AsSpan(section.OffsetOf(row)), out _);
            }

            return count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <inheritdoc/>
    public override long BytesBefore(int index)
    {
        if (index >= Count)
        {
            return StartBytes + Bytes;
        }

        IndexSection section = _index.Header.PlaceSection;
        int row = _shape.Places + index;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            _index.ReadPage(section.PageOf(row), page);
            _ = Read(page.AsSpan(section.OffsetOf(row)), out long before);
            return StartBytes + before;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <inheritdoc/>
    public override int LastAtOrBefore(long offset)
    {
        // Offsets rise about evenly with entries, so guessing takes two or three pages; halving makes sure of an end.
        IndexSection section = _index.Header.PlaceSection;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            (int low, int high) = (0, Count);             // before low all are at or before; from high on none is
            (long lowOffset, long highOffset) = (FirstOffset, NextOffset);
            for (int tries = 0; low < high; tries++)
            {
                double share = tries > 3 || highOffset <= lowOffset ? 0.5 : (offset - lowOffset) / (double)(highOffset - lowOffset);
                int guess = Math.Clamp(low + (int)(Math.Clamp(share, 0, 1) * (high - low)), low, high - 1);
                int number = section.PageOf(_shape.Places + guess);
                _index.ReadPage(number, page);
                int pageRow = ((number - section.FirstPage) * section.RowsPerPage) - _shape.Places;
                int from = Math.Max(low, pageRow);
                int to = Math.Min(high, pageRow + section.RowsPerPage);
                while (from < to)
                {
                    int middle = (from + to) >> 1;
                    (from, to) = BaseOffset(page, middle - pageRow) <= offset ? (middle + 1, to) : (from, middle);
                }

                if (from > Math.Max(low, pageRow) || from == low)
                {
                    low = from;
                    lowOffset = from > pageRow ? BaseOffset(page, from - 1 - pageRow) : lowOffset;
                }

                if (from < Math.Min(high, pageRow + section.RowsPerPage))
                {
                    high = from;
                    highOffset = BaseOffset(page, from - pageRow);
                }
            }

            return low - 1;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <summary>Adds the entries of the part, at or behind <paramref name="from"/>, that mention a topic, in order, up to a
    /// limit.</summary>
    public void Mentions(ulong topic, long from, int max, List<long> into)
    {
        if (_index.FindTopic(topic, _shape.Topics, _shape.TopicCount, out uint first, out uint count))
        {
            _index.ReadMentions(_shape.Mentions, first, count, FirstEntry, from, max, into);
        }
    }

    /// <summary>The last entry of the part that mentions a topic; -1 when none does.</summary>
    public long LastMention(ulong topic) =>
        _index.FindTopic(topic, _shape.Topics, _shape.TopicCount, out uint first, out uint count)
            ? FirstEntry + (count == 1 ? first : _index.ReadMention(_shape.Mentions + (int)(first + count - 1))) : -1;

    private static long BaseOffset(ReadOnlySpan<byte> page, int row) =>
        BinaryPrimitives.ReadInt64LittleEndian(page[((row * IndexHeader.PlaceBytes) + 16)..]);

    private EntryPlace Read(ReadOnlySpan<byte> row, out long before)
    {
        uint position = BinaryPrimitives.ReadUInt32LittleEndian(row);
        before = BinaryPrimitives.ReadUInt32LittleEndian(row[12..]) * (long)RecordHeader.Alignment;
        return new EntryPlace(position == uint.MaxValue ? -1 : _index.Header.First + position,
            BinaryPrimitives.ReadInt32LittleEndian(row[4..]), BinaryPrimitives.ReadUInt32LittleEndian(row[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(row[16..]), BinaryPrimitives.ReadInt64LittleEndian(row[24..]));
    }
}
