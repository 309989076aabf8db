using Streams.Core;

namespace Streams.Storage;

/// <summary>What <see cref="SegmentWalker"/> came to.</summary>
internal enum WalkStep
{
    Record,

    /// <summary>Bytes of what had been flushed that cannot be read.</summary>
    Damaged,

    /// <summary>The end of the last segment, with bytes of a write behind it that nobody was told of.</summary>
    TornTail,

    End,
}

/// <summary>Walks the records of a segment as opening does, but changes nothing: steps over damage, tells it from a torn tail.</summary>
/// <remarks>Of a segment that a live server writes, what had been read is older than what is read after it: before something is called
/// damage it is read once more. Failure: what the disk refuses is damage up to the end.</remarks>
internal sealed class SegmentWalker(ILogFile file, long first, long end, bool isLast)
{
    private SegmentScanner _scanner = new(file, first, end);
    private long _readAgain = -1;
    private uint _lastGroup;
    private bool _isOver;

    /// <summary>Where in the file the record, the damage or the end is.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes of the record, of the hole it tells of, of the damage or of the torn tail.</summary>
    public long Bytes { get; private set; }

    public RecordHeader Header { get; private set; }

    /// <summary>The body of the record; valid until the next step.</summary>
    public ReadOnlyMemory<byte> Body { get; private set; }

    /// <summary>What is wrong with the damaged bytes.</summary>
    public string Reason { get; private set; } = string.Empty;

    public WalkStep Next()
    {
        if (_isOver)
        {
            return WalkStep.End;
        }

        try
        {
            long offset = _scanner.Offset;
            ScanStep step = _scanner.Next(out RecordHeader header, out ReadOnlyMemory<byte> body, out _);
            if (step != ScanStep.Record)
            {
                return Bad(step);
            }

            if (isLast && header.Kind == RecordKind.Bound)
            {
                body = body.ToArray();               // looking ahead moves the window
                if (IsTornTail(offset, body))
                {
                    return WalkStep.TornTail;
                }
            }

            (Header, Body, Bytes, Offset) = (header, body, _scanner.Offset - offset, offset);
            _lastGroup = header.Group;
            return WalkStep.Record;
        }
        catch (StorageFailedException cause)
        {
            _isOver = true;
            (Offset, Bytes, Reason) = (_scanner.Offset, Math.Max(0, end - _scanner.Offset), cause.Message);
            return WalkStep.Damaged;
        }
    }

    private WalkStep Bad(ScanStep step)
    {
        Offset = _scanner.Offset;
        Reason = step == ScanStep.End ? "zeros stand where a record belongs" : "a record is damaged";
        long good;
        if (!isLast)
        {
            if (Offset >= end)
            {
                _isOver = true;
                return WalkStep.End;
            }

            _isOver = !_scanner.TryFindNext(out _);
            good = _isOver ? end : _scanner.Offset;
        }
        else if (!TryFindFlushed(out good))
        {
            _isOver = true;
            Bytes = Math.Max(0, _scanner.LastNonZero - Offset);
            return Bytes > 0 ? WalkStep.TornTail : WalkStep.End;
        }
        else if (_readAgain != Offset)
        {
            _readAgain = Offset;
            _scanner = new SegmentScanner(file, first, end);
            _scanner.GoTo(Offset);
            return Next();
        }
        else
        {
            _scanner.GoTo(good);
        }

        Bytes = good - Offset;
        return WalkStep.Damaged;
    }

    // Of records that count together some are missing, and nothing shows that they had been flushed.
    private bool IsTornTail(long offset, ReadOnlyMemory<byte> body)
    {
        long behind = _scanner.Offset;
        bool isTorn = !(RecordBodies.TryReadBound(body, out long bytes) && _scanner.AreGood(bytes));
        if (isTorn)
        {
            isTorn = !TryFindFlushed(out _);
            (Offset, Bytes) = (offset, Math.Max(behind, _scanner.LastNonZero) - offset);
            _isOver = isTorn;
        }

        _scanner.GoTo(behind);
        return isTorn;
    }

    // As opening does: a good record of group g+2 shows that g+1 had been flushed.
    private bool TryFindFlushed(out long firstGood)
    {
        firstGood = -1;
        while (_scanner.TryFindNext(out RecordHeader header))
        {
            firstGood = firstGood < 0 ? _scanner.Offset : firstGood;
            uint distance = (header.Group - _lastGroup) & RecordHeader.GroupMask;
            if (distance is >= 2 and < RecordHeader.GroupMask / 2)
            {
                return true;
            }
        }

        return false;
    }
}
