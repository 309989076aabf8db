using Streams.Core;

namespace Streams.Storage;

/// <summary>A segment of the log: a file that holds the log's bytes from <see cref="First"/> on.</summary>
internal sealed class Segment(string name, long first, ILogFile file)
{
    public string Name => name;

    public long First => first;

    public ILogFile File => file;

    /// <summary>Bytes used, header included. Written by the writer only.</summary>
    public long Used { get; set; }

    public long Allocated { get; set; }

    /// <summary>What its header says of segments that were given back.</summary>
    public SegmentHeader Header { get; set; } = new(first, 0, false);
}

/// <summary>The segments of a container, in order. One thread appends; many may read.</summary>
/// <remarks>After a failed write or flush the log must not be appended to again: what is on disk behind the last good flush is unknown.
/// Reading goes on.</remarks>
internal sealed class SegmentLog : IDisposable
{
    private readonly ILogDisk _disk;
    private readonly long _segmentBytes;
    private readonly long _allocationBytes;
    private readonly Lock _changing = new();
    private Segment[] _segments;
    private uint _group;
    private volatile bool _endIsWanted;

    public SegmentLog(ILogDisk disk, long segmentBytes, long allocationBytes, Segment[] segments, uint lastGroup)
    {
        _disk = disk;
        _segmentBytes = segmentBytes;
        _allocationBytes = allocationBytes;
        _segments = segments;
        _group = lastGroup;
        if (_segments.Length == 0)
        {
            Start(0);
        }
    }

    public ReadOnlySpan<Segment> Segments => Volatile.Read(ref _segments);

    public int Count => Volatile.Read(ref _segments).Length;

    /// <summary>The position at which the next group will stand.</summary>
    public long NextPosition => Current.First + Current.Used;

    /// <summary>The number of the next group.</summary>
    public uint NextGroup => (_group + 1) & RecordHeader.GroupMask;

    public Segment Current => _segments[^1];

    /// <summary>Whether so many more bytes call for a new segment.</summary>
    public bool IsFullFor(long bytes) => Current.Used > SegmentHeader.Size && (_endIsWanted || Current.Used + bytes > _segmentBytes);

    /// <summary>The current segment ends before the next group.</summary>
    public void WantEnd() => _endIsWanted = true;

    /// <summary>Gathers the rows of the current segment; <see langword="null"/> when no index files are kept.</summary>
    public SegmentIndex? Index { get; set; }

    /// <summary>Ends the current segment and starts the next; both are flushed when it returns.</summary>
    public void Roll()
    {
        Segment ended = Current;
        _endIsWanted = false;
        ended.File.SetLength(ended.Used);
        ended.File.Flush();
        Start(ended.First + ended.Used);
        if (Index is not null)
        {
            Index.LastGroup = _group;
            Index.Save(_disk, ended, ended.First + ended.Used);
            Index.Clear();
        }
    }

    /// <summary>Writes a group; it is not durable yet.</summary>
    public void Append(ReadOnlySpan<byte> group)
    {
        Segment current = Current;
        long end = current.Used + group.Length;
        if (end > current.Allocated)
        {
            current.Allocated = RoundUp(end, _allocationBytes);
            current.File.SetLength(current.Allocated);
        }

        current.File.Write(current.Used, group);
        current.Used = end;
        _group = NextGroup;
    }

    public void Flush() => Current.File.Flush();

    /// <summary>The segment that holds a position.</summary>
    public Segment Find(long position)
    {
        Segment[] segments = Volatile.Read(ref _segments);
        int low = 0;
        int high = segments.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >> 1;
            if (segments[middle].First <= position)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return segments[low];
    }

    /// <summary>Takes a segment out and deletes its files; certain after the folder is flushed. What pointed into it is not found any
    /// more.</summary>
    public void Delete(Segment segment)
    {
        lock (_changing)
        {
            Volatile.Write(ref _segments, [.. _segments.Where(s => s != segment)]);
        }

        segment.File.Dispose();
        _disk.Delete(SegmentIndex.NameFor(segment));
        _disk.Delete(segment.Name);
    }

    /// <summary>Replaces the header of a segment that ended; flushed when it returns.</summary>
    public static void Replace(Segment segment, SegmentHeader header)
    {
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        header.Write(bytes);
        segment.File.Write(0, bytes);
        segment.File.Flush();
        segment.Header = header;
    }

    public void SyncDirectory() => _disk.SyncDirectory();

    public void Dispose()
    {
        foreach (Segment segment in _segments)
        {
            segment.File.Dispose();
        }
    }

    internal static long RoundUp(long bytes, long step) => (bytes + step - 1) / step * step;

    private void Start(long first)
    {
        string name = SegmentHeader.Name(first);
        ILogFile file = _disk.Create(name);
        Segment segment = new(name, first, file) { Used = SegmentHeader.Size, Allocated = RoundUp(SegmentHeader.Size, _allocationBytes) };
        Span<byte> header = stackalloc byte[SegmentHeader.Size];
        segment.Header.Write(header);
        file.SetLength(segment.Allocated);
        file.Write(0, header);
        file.Flush();
        _disk.SyncDirectory();
        lock (_changing)
        {
            Volatile.Write(ref _segments, [.. _segments, segment]);
        }
    }
}
