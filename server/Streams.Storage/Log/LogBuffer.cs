using System.Buffers;

namespace Streams.Storage;

/// <summary>The bytes of one group of records before they are written: one array that is kept from group to group.</summary>
internal sealed class LogBuffer : IBufferWriter<byte>
{
    // A rare giant group must not hold memory for ever.
    private const int KeptBytes = 16 << 20;

    private byte[] _bytes = new byte[64 << 10];
    private int _written;
    private int _recordStart = -1;
    private long _position;
    private uint _group;

    public int Written => _written;

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _written);

    /// <summary>The number of the group.</summary>
    public uint Group => _group;

    /// <summary>Position in the log at which the group stands.</summary>
    public long Position => _position;

    /// <summary>Position in the log of the next record.</summary>
    public long NextPosition => _position + _written;

    /// <summary>Begins a group that will stand at <paramref name="position"/> of the log.</summary>
    public void Begin(long position, uint group)
    {
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new byte[64 << 10];
        }

        _written = 0;
        _recordStart = -1;
        _position = position;
        _group = group;
    }

    /// <summary>Begins a record: write its body, then call <see cref="EndRecord"/>.</summary>
    public void BeginRecord()
    {
        _recordStart = _written;
        GetSpan(RecordHeader.Size)[..RecordHeader.Size].Clear();
        Advance(RecordHeader.Size);
    }

    /// <summary>Checksums and pads the record; says where it stands and how long its body is.</summary>
    public (long Position, int BodyLength) EndRecord(RecordKind kind)
    {
        int length = _written - _recordStart;
        long position = _position + _recordStart;
        RecordHeader.Seal(_bytes.AsSpan(_recordStart, length), position, kind, _group);
        int padding = RecordHeader.PaddedLength(length - RecordHeader.Size) - length;
        GetSpan(RecordHeader.Alignment)[..padding].Clear();
        Advance(padding);
        _recordStart = -1;
        return (position, length - RecordHeader.Size);
    }

    /// <summary>Writes a record once more where it stands; it must come out as long as it was.</summary>
    public void Rewrite(Action<LogBuffer> write, int at)
    {
        int end = _written;
        _written = at;
        write(this);
        _written = end;
    }

    /// <summary>Takes back a record that was begun and not ended.</summary>
    public void AbandonRecord()
    {
        if (_recordStart >= 0)
        {
            _written = _recordStart;
            _recordStart = -1;
        }
    }

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(1, sizeHint));
        return _bytes.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(Math.Max(1, sizeHint));
        return _bytes.AsSpan(_written);
    }

    private void Grow(int more)
    {
        if (_bytes.Length - _written < more)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _written + more));
        }
    }
}
