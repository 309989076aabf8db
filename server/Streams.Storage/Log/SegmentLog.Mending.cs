using Streams.Core;

namespace Streams.Storage;

/// <summary>How the log goes on after the disk refused.</summary>
/// <remarks>What failed must never be found later under a position and an offset that are given out a second time. So the cut behind the
/// last flushed record is flushed before anything else is written, and after more than want of room the next group goes into a new
/// segment: even if the disk kept what it refused, nothing is read behind the beginning of that one.</remarks>
internal sealed partial class SegmentLog
{
    private const int ZeroBytes = 64 << 10;

    private long _flushedEnd;                                 // of the current segment
    private long _tailStart;                                  // of the last flushed group in it
    private bool _isEnded;
    private bool _isDirty;                                    // a write was begun and did not end well

    /// <summary>A group was refused for want of room: takes away what of it is there, and flushes what stood before.</summary>
    /// <exception cref="StorageFailedException">That was refused too: nobody knows what is there.</exception>
    public void CutBack()
    {
        _preparer.Settle();
        if (_isDirty)
        {
            Segment current = Current;
            long allocated = current.Allocated;
            current.File.SetLength(current.Used);
            current.Allocated = current.Used;
            _preparer.TryKeep(current, allocated);        // else who gives space back would find none, and nothing more would come
            Flush();
            _isDirty = false;
        }
        else if (Unflushed > 0)
        {
            Flush();
        }
    }

    /// <summary>Tries whether there is room again for so many bytes: really writes there, zeros, which end the log as nothing
    /// does.</summary>
    public void MakeRoom(long bytes)
    {
        Segment current = Current;
        long end = current.Used + bytes;
        _preparer.Reach(current, end, mayUseReserve: false);
        _isDirty = true;
        byte[] zeros = new byte[ZeroBytes];
        for (long at = current.Used; at < end; at += ZeroBytes)
        {
            current.File.Write(at, zeros.AsSpan(0, (int)Math.Min(ZeroBytes, end - at)));
        }

        Flush();
        _isDirty = false;
    }

    /// <summary>The disk refused: all behind the last flush is given up. Nothing is appended before <see cref="Verify"/>.</summary>
    public void GiveUpUnflushed()
    {
        if (_isGroupOpen)
        {
            _group = (_group - 1) & RecordHeader.GroupMask;   // its number is free again: the next group follows the last flushed one
            _isGroupOpen = false;
        }

        Current.Used = _flushedEnd;
        Unflushed = 0;
        _isEnded = true;
    }

    /// <summary>Opens the current segment's file anew, reads the last flushed group back and checks it, cuts what stands behind, writes
    /// the group again, since a refused flush may have left it in the cache alone, and flushes. The segment ends there: the next
    /// <see cref="Roll"/> begins another.</summary>
    /// <exception cref="StorageFailedException">Refused, or what was flushed is not what it was. Try again later.</exception>
    /// <exception cref="InvalidFormatException">The file is of another version now: somebody else has been here.</exception>
    public void Verify()
    {
        _preparer.Settle();
        Segment broken = Current;
        ILogFile file = _disk.Open(broken.Name);
        try
        {
            file.ForgetCache();
            Check(file, broken);
            file.SetLength(_flushedEnd);
            TailWriter.WriteAgain(file, broken.Name, _tailStart, _flushedEnd);
            file.Flush();
        }
        catch
        {
            file.Dispose();
            throw;
        }

        broken.Reopen(file);
        broken.Allocated = _flushedEnd;
        _isDirty = false;
    }

    private void Check(ILogFile file, Segment segment)
    {
        Span<byte> header = stackalloc byte[SegmentHeader.Size];
        if (!SegmentHeader.TryRead(header[..file.Read(0, header)], segment.First, out _))
        {
            throw new StorageFailedException($"{segment.Name}: its header is damaged");
        }

        SegmentScanner scanner = new(file, segment.First, _flushedEnd);
        scanner.GoTo(_tailStart);
        while (scanner.Offset < _flushedEnd)
        {
            if (scanner.Next(out _, out _, out _) != ScanStep.Record)
            {
                throw new StorageFailedException($"{segment.Name}: the record at {scanner.Offset} had been flushed and is damaged");
            }
        }
    }
}
