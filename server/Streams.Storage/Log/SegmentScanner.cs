namespace Streams.Storage;

/// <summary>What stands at a place of a segment.</summary>
internal enum ScanStep
{
    Record,
    End,
    Bad,
}

/// <summary>Walks the records of one segment from its header on. Bodies are valid until the next step.</summary>
internal sealed class SegmentScanner(ILogFile file, long firstPosition, long end)
{
    private const int WindowBytes = 8 << 20;

    private byte[] _window = [];
    private long _windowStart;
    private int _windowLength;

    /// <summary>Where in the file the next record is looked for.</summary>
    public long Offset { get; private set; } = SegmentHeader.Size;

    /// <summary>Behind the last byte seen by <see cref="TryFindNext"/> that is not zero.</summary>
    public long LastNonZero { get; private set; }

    /// <summary>Goes over the next record, over a hole to its end. At anything else it stays where it is.</summary>
    public ScanStep Next(out RecordHeader header, out ReadOnlyMemory<byte> body, out long position)
    {
        position = firstPosition + Offset;
        body = default;
        header = default;
        ReadOnlySpan<byte> head = Available(Offset, RecordHeader.Size);
        if (head.IndexOfAnyExcept((byte)0) < 0)
        {
            return ScanStep.End;
        }

        if (!TryReadAt(Offset, out header))
        {
            return ScanStep.Bad;
        }

        body = _window.AsMemory((int)(Offset - _windowStart) + RecordHeader.Size, header.BodyLength);
        long length = header.Padded;
        if (header.Kind == RecordKind.Hole
            && (!RecordBodies.TryReadHole(body, out length) || length < header.Padded || length > end - Offset))
        {
            return ScanStep.Bad;
        }

        Offset += length;
        return ScanStep.Record;
    }

    /// <summary>Looks behind <see cref="Offset"/> for the next place where a good record begins, and goes there.</summary>
    public bool TryFindNext(out RecordHeader header)
    {
        header = default;
        for (long at = Offset; at < end; at += RecordHeader.Alignment)
        {
            ReadOnlySpan<byte> word = Available(at, RecordHeader.Alignment);
            int nonZero = word.LastIndexOfAnyExcept((byte)0);
            if (nonZero < 0)
            {
                continue;
            }

            LastNonZero = at + nonZero + 1;
            if (at > Offset && TryReadAt(at, out header))
            {
                Offset = at;
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the next bytes, so many, are records, all of them good. It stays where it is.</summary>
    public bool AreGood(long bytes)
    {
        long from = Offset;
        long until = from + bytes;
        bool good = until <= end;
        while (good && Offset < until)
        {
            good = Next(out _, out _, out _) == ScanStep.Record;
        }

        good &= Offset == until;
        Offset = from;
        return good;
    }

    public void GoTo(long offset) => Offset = offset;

    private bool TryReadAt(long offset, out RecordHeader header) =>
        RecordHeader.TryReadHead(Available(offset, RecordHeader.Size), out header)
        && RecordHeader.TryRead(Available(offset, RecordHeader.Size + header.BodyLength), firstPosition + offset, out header);

    /// <summary>The bytes at an offset: as many as asked for, or fewer at the end.</summary>
    private ReadOnlySpan<byte> Available(long offset, int count)
    {
        if (offset < _windowStart || offset + count > _windowStart + _windowLength)
        {
            int wanted = (int)Math.Min(Math.Max(WindowBytes, count), Math.Max(0, end - offset));
            if (_window.Length < wanted)
            {
                _window = new byte[wanted];
            }

            _windowStart = offset;
            _windowLength = wanted == 0 ? 0 : file.Read(offset, _window.AsSpan(0, wanted));
        }

        int from = (int)(offset - _windowStart);
        return _window.AsSpan(from, Math.Max(0, Math.Min(count, _windowLength - from)));
    }
}
