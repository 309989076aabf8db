using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The index file of a segment that has ended: where its records stand, and which entries mention which topics, so that opening
/// reads neither the segment nor the rows, and reading one topic costs what that topic has. Drawn in docs/container-format.md.</summary>
/// <remarks>It is derived: a missing, torn or damaged one is made anew from the segment, a damaged page when somebody reads it. Pages are
/// read, not mapped: a sector that cannot be read is an error here, and would kill the process there. Safe for use by many
/// threads.</remarks>
internal sealed class SegmentIndex : IDisposable
{
    public const string Extension = ".idx";

    /// <summary>Behind the name of the file from which pages are mended.</summary>
    public const string MendingSuffix = ".new";

    private readonly ILogFile _file;
    private readonly ILogDisk _disk;
    private readonly Segment _segment;
    private readonly ILogger _logger;
    private readonly Lock _mending = new();

    private SegmentIndex(ILogFile file, ILogDisk disk, Segment segment, ILogger logger, in IndexHeader header)
    {
        _file = file;
        _disk = disk;
        _segment = segment;
        _logger = logger;
        Header = header;
    }

    public IndexHeader Header { get; }

    public static string NameFor(Segment segment) => Path.ChangeExtension(segment.Name, Extension);

    /// <summary>Opens the index of a segment that ends at <paramref name="end"/>, and reads its directory; else says why not.</summary>
    public static string? TryOpen(ILogDisk disk, Segment segment, long end, ILogger logger, out SegmentIndex? index,
        out byte[] directory)
    {
        string name = NameFor(segment);
        index = null;
        directory = [];
        ILogFile? file = null;
        try
        {
            file = disk.Open(name);
            byte[] page = new byte[IndexPage.Size];
            int read = file.Read(0, page);
            if (IndexHeader.TryRead(page.AsSpan(0, read), segment.First, end, file.Length, out IndexHeader header) is { } fault)
            {
                file.Dispose();
                return fault;
            }

            index = new SegmentIndex(file, disk, segment, logger, header);
            directory = index.ReadDirectory();
            return null;
        }
        catch (Exception cause) when (cause is StorageFailedException or InvalidFormatException)
        {
            file?.Dispose();
            index = null;
            return cause.Message;
        }
    }

    /// <summary>Reads and checks a page. One that is damaged is made anew first, which costs one reading of the segment.</summary>
    /// <exception cref="InvalidFormatException">It is damaged, and so is the segment.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public void ReadPage(int number, Span<byte> page)
    {
        if (!TryReadPage(number, page))
        {
            Mend(number, page);
        }
    }

    private bool TryReadPage(int number, Span<byte> page) =>
        _file.Read((long)number * IndexPage.Size, page[..IndexPage.Size]) == IndexPage.Size && IndexPage.IsGood(page, number);

    private void Mend(int number, Span<byte> page)
    {
        lock (_mending)
        {
            // Others may have waited for the same.
            if (TryReadPage(number, page))
            {
                return;
            }

            int mended = new IndexMender(_disk, _segment, Header, ReadDirectory()).Mend(_file);
            if (mended > 0 && TryReadPage(number, page))
            {
                _logger.IndexMended(NameFor(_segment), mended);
                return;
            }
        }

        throw Damaged(number);
    }

    private InvalidFormatException Damaged(int number) => new(
        $"{NameFor(_segment)}: page {number} is damaged; delete the file, and it is made anew when the container is opened");

    /// <summary>Finds a topic among the rows of a part, which are ordered by hash. Hashes are spread evenly, so guessing where one stands
    /// takes two or three pages, however many there are.</summary>
    public bool FindTopic(ulong topic, int firstRow, int count, out uint first, out uint mentions)
    {
        (first, mentions) = (0, 0);
        IndexSection section = Header.TopicSection;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            long low = firstRow;
            long high = (long)firstRow + count;
            (ulong lowHash, ulong highHash) = (0, ulong.MaxValue);
            while (low < high)
            {
                double share = highHash == lowHash ? 0.5 : (topic - lowHash) / (double)(highHash - lowHash);
                int guess = (int)Math.Clamp(low + (long)(share * (high - low)), low, high - 1);
                int number = section.PageOf(guess);
                ReadPage(number, page);
                long pageRow = (long)(number - section.FirstPage) * section.RowsPerPage;
                long from = Math.Max(low, pageRow);
                long to = Math.Min(high, pageRow + section.RowsPerPage);
                ulong smallest = Hash(page, (int)(from - pageRow));
                ulong greatest = Hash(page, (int)(to - 1 - pageRow));
                if (topic < smallest)
                {
                    (high, highHash) = (from, smallest);
                }
                else if (topic > greatest)
                {
                    (low, lowHash) = (to, greatest);
                }
                else
                {
                    return FindInPage(page, topic, (int)(from - pageRow), (int)(to - pageRow), ref first, ref mentions);
                }
            }

            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <summary>Adds the entries that a topic's mentions name, at or behind <paramref name="from"/>, up to a limit.</summary>
    public void ReadMentions(int rows, uint first, uint count, long firstEntry, long from, int max, List<long> into)
    {
        if (count == 1)
        {
            if (firstEntry + first >= from && into.Count < max)
            {
                into.Add(firstEntry + first);
            }

            return;
        }

        IndexSection section = Header.MentionSection;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            int loaded = -1;
            for (uint i = FirstAtOrBehind(rows, first, count, firstEntry, from); i < count && into.Count < max; i++)
            {
                int row = rows + (int)(first + i);
                if (section.PageOf(row) != loaded)
                {
                    loaded = section.PageOf(row);
                    ReadPage(loaded, page);
                }

                into.Add(firstEntry + BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(section.OffsetOf(row))));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <summary>One mention.</summary>
    public uint ReadMention(int row)
    {
        IndexSection section = Header.MentionSection;
        byte[] page = ArrayPool<byte>.Shared.Rent(IndexPage.Size);
        try
        {
            ReadPage(section.PageOf(row), page);
            return BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(section.OffsetOf(row)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    public void Dispose() => _file.Dispose();

    private static ulong Hash(ReadOnlySpan<byte> page, int row) =>
        BinaryPrimitives.ReadUInt64LittleEndian(page[(row * IndexHeader.TopicBytes)..]);

    private static bool FindInPage(ReadOnlySpan<byte> page, ulong topic, int low, int high, ref uint first, ref uint mentions)
    {
        while (low < high)
        {
            int middle = (low + high) >> 1;
            ulong hash = Hash(page, middle);
            if (hash == topic)
            {
                ReadOnlySpan<byte> row = page[(middle * IndexHeader.TopicBytes)..];
                first = BinaryPrimitives.ReadUInt32LittleEndian(row[8..]);
                mentions = BinaryPrimitives.ReadUInt32LittleEndian(row[12..]);
                return true;
            }

            (low, high) = hash < topic ? (middle + 1, high) : (low, middle);
        }

        return false;
    }

    private uint FirstAtOrBehind(int rows, uint first, uint count, long firstEntry, long from)
    {
        uint low = 0;
        uint high = from <= firstEntry ? 0 : count;
        while (low < high)
        {
            uint middle = (low + high) >> 1;
            if (firstEntry + ReadMention(rows + (int)(first + middle)) < from)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private byte[] ReadDirectory()
    {
        IndexSection section = Header.Directory;
        byte[] directory = new byte[Header.DirectoryBytes];
        byte[] page = new byte[IndexPage.Size];
        for (int at = 0; at < directory.Length; at += section.RowsPerPage)
        {
            int number = section.PageOf(at);
            if (!TryReadPage(number, page))
            {
                throw Damaged(number);
            }

            page.AsSpan(0, Math.Min(section.RowsPerPage, directory.Length - at)).CopyTo(directory.AsSpan(at));
        }

        return directory;
    }
}
