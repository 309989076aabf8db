using Streams.Core;

namespace Streams.Storage;

/// <summary>A segment of the log: a file that holds the log's bytes from <see cref="First"/> on.</summary>
internal sealed class Segment(string name, long first, ILogFile file) : IDisposable
{
    private ILogFile _file = file;
    private ILogFile? _before;
    private long _allocated;

    public string Name => name;

    public long First => first;

    public ILogFile File => Volatile.Read(ref _file);

    /// <summary>Bytes used, header included. Written by the writer only.</summary>
    public long Used { get; set; }

    /// <summary>Bytes of the file for which space is set aside. Changed by the writer, or by who prepares for it.</summary>
    public long Allocated
    {
        get => Volatile.Read(ref _allocated);
        set => Volatile.Write(ref _allocated, value);
    }

    /// <summary>Its index file, once the segment has ended and that is made.</summary>
    public SegmentIndex? Index { get; set; }

    /// <summary>What its header says of segments that were given back.</summary>
    public SegmentHeader Header { get; set; } = new(first, 0, false);

    /// <summary>Another handle takes the place of the one there was, which stays open for those who read with it just now.</summary>
    public void Reopen(ILogFile opened)
    {
        _before?.Dispose();
        _before = File;
        Volatile.Write(ref _file, opened);
    }

    public void Dispose()
    {
        File.Dispose();
        _before?.Dispose();
        Index?.Dispose();
    }
}

/// <summary>The segments of a container, in order. One thread at a time appends; many may read.</summary>
/// <remarks>After a refused write for want of room it is cut back and goes on. After any other refusal what is on disk behind the last good
/// flush is unknown: it is given up, verified and cut, and the next group goes into a new segment (SegmentLog.Mending.cs). Reading goes
/// on.</remarks>
internal sealed partial class SegmentLog : IDisposable
{
    private readonly ILogDisk _disk;
    private readonly long _segmentBytes;
    private readonly long _allocationBytes;
    private readonly SegmentPreparer _preparer;
    private Segment[] _segments;
    private uint _group;
    private bool _isGroupOpen;
    private readonly Lock _changing = new();
    private volatile bool _endIsWanted;

    public SegmentLog(ILogDisk disk, ContainerOptions options, Segment[] segments, uint lastGroup, long lastGroupStart)
    {
        _disk = disk;
        _segmentBytes = options.SegmentBytes;
        _allocationBytes = options.AllocationBytes;
        _preparer = new SegmentPreparer(disk, options);
        _segments = segments;
        _group = lastGroup;
        _preparer.RemoveSpare();
        foreach (Segment ended in _segments.AsSpan(0, Math.Max(0, _segments.Length - 1)))
        {
            SegmentPreparer.Cut(ended);                   // a crash came before it was
        }

        if (_segments.Length == 0)
        {
            Start(0, mayUseReserve: false);
        }
        else
        {
            _flushedEnd = Current.Used;
            _tailStart = Math.Max(SegmentHeader.Size, lastGroupStart - Current.First);
        }
    }

    public ReadOnlySpan<Segment> Segments => Volatile.Read(ref _segments);

    public int Count => Volatile.Read(ref _segments).Length;

    /// <summary>The position at which the next group will stand.</summary>
    public long NextPosition => Current.First + Current.Used;

    /// <summary>The number under which the next bytes are written: one for all that one flush will cover.</summary>
    public uint NextGroup => _isGroupOpen ? _group : (_group + 1) & RecordHeader.GroupMask;

    /// <summary>Bytes that wait for a flush.</summary>
    public long Unflushed { get; private set; }

    public Segment Current => _segments[^1];

    /// <summary>Whether so many more bytes call for a new segment.</summary>
    public bool IsFullFor(long bytes) =>
        _isEnded || (Current.Used > SegmentHeader.Size && (_endIsWanted || Current.Used + bytes > _segmentBytes));

    /// <summary>Whether so many bytes behind a position at the end call for a new segment; for who asks while another thread
    /// appends.</summary>
    public bool IsFullFor(long position, long bytes) => _isEnded || _endIsWanted || position + bytes > Current.First + _segmentBytes;

    /// <summary>The current segment ends before the next group.</summary>
    public void WantEnd() => _endIsWanted = true;

    /// <summary>The number of the last group.</summary>
    public uint LastGroup => _group;

    /// <summary>Ends the current segment, of which all must be flushed, and starts the next; that is flushed when it returns.</summary>
    /// <param name="mayUseReserve">Whether the reserve may be used up for it: what the ended segment has set aside makes the room.</param>
    public void Roll(bool mayUseReserve = false)
    {
        Segment ended = Current;
        bool hadEnded = _isEnded;
        _isEnded = true;                                  // the next may be there in part: what came behind here would not be found
        _endIsWanted = false;
        long allocated = ended.Allocated;
        try
        {
            if (mayUseReserve)
            {
                _preparer.Settle();
                SegmentPreparer.Cut(ended);
            }

            Start(ended.First + ended.Used, mayUseReserve);
        }
        catch (StorageFailedException refusal) when (refusal.IsFull)
        {
            RemoveStarted(SegmentHeader.Name(ended.First + ended.Used));
            _preparer.TryKeep(ended, allocated);
            _isEnded = hadEnded;
            throw;
        }

        _isEnded = false;
        _preparer.End(ended);
        if (mayUseReserve)
        {
            _preparer.TryKeep(Current, RoundUp(Current.Used + allocated - ended.Used, LinuxFile.BlockBytes));
        }
    }

    /// <summary>Writes bytes of a group; they are not durable yet.</summary>
    /// <param name="bytes">Whole records.</param>
    /// <param name="flushesNext">Whether <see cref="Flush"/> follows at once.</param>
    /// <param name="mayUseReserve">Whether it may use up what is set aside for those who give space back.</param>
    public void Append(ReadOnlySpan<byte> bytes, bool flushesNext, bool mayUseReserve = false)
    {
        Segment current = Current;
        long end = current.Used + bytes.Length;
        _preparer.Reach(current, end, mayUseReserve);
        _isDirty = true;
        current.File.Append(current.Used, bytes, flushesNext);
        _isDirty = false;
        current.Used = end;
        _group = NextGroup;
        _isGroupOpen = true;
        Unflushed += bytes.Length;
        _preparer.LookAhead(current, bytes.Length);
    }

    /// <summary>Returns when all that was written is durable. The group is over.</summary>
    public void Flush()
    {
        Current.File.Flush();
        _tailStart = Unflushed > 0 ? _flushedEnd : _tailStart;
        _flushedEnd = Current.Used;
        Unflushed = 0;
        _isGroupOpen = false;
    }

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

        segment.Dispose();
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

    /// <summary>Cuts a segment that ended to what is used; certain when it returns. A segment whose header names the next one ends where
    /// its file ends, so zeros that a crash leaves behind its last record would be taken for damage.</summary>
    public void CutForGood(Segment ended)
    {
        _preparer.Settle();
        SegmentPreparer.Cut(ended);
        ended.File.Flush();
    }

    public void SyncDirectory() => _disk.SyncDirectory();

    public void Dispose()
    {
        _preparer.Dispose();
        foreach (Segment segment in _segments)
        {
            segment.Dispose();
        }
    }

    internal static long RoundUp(long bytes, long step) => (bytes + step - 1) / step * step;

    // There is certainly no next segment when this returns; then what retention writes may still go into what the last one has set aside.
    private void RemoveStarted(string name)
    {
        _preparer.RemoveSpare();
        _disk.Delete(name);
        _disk.SyncDirectory();
    }

    private void Start(long first, bool mayUseReserve)
    {
        string name = SegmentHeader.Name(first);
        ILogFile file = _preparer.Take(out string? spare) ?? _disk.Create(name);
        try
        {
            Segment segment = new(name, first, file) { Used = SegmentHeader.Size, Allocated = file.Length };
            Span<byte> header = stackalloc byte[SegmentHeader.Size];
            segment.Header.Write(header);
            _preparer.Reach(segment, SegmentHeader.Size, mayUseReserve);
            file.Write(0, header);
            file.Flush();
            if (spare is not null)
            {
                _disk.Rename(spare, name);                // only with a good header does it get a segment's name
            }

            _disk.SyncDirectory();
            lock (_changing)
            {
                Volatile.Write(ref _segments, [.. _segments, segment]);
            }

            _tailStart = _flushedEnd = SegmentHeader.Size;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
