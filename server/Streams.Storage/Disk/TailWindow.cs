namespace Streams.Storage;

/// <summary>The last bytes of the file that is appended to, in block-aligned memory: they are written to the disk from here, past the
/// system's cache, and whoever reads near the end is served from here.</summary>
/// <remarks>One thread appends, many read, without a lock: a reader copies, then looks whether the bytes had been given up meanwhile, and
/// if so reads the file. Byte <i>n</i> of the file stands at <i>n</i> modulo the capacity, so blocks never move.</remarks>
internal sealed class TailWindow
{
    private const int Block = LinuxFile.BlockBytes;

    private readonly int _capacity;
    private Memory<byte> _memory;
    private object? _owner;
    private long _from = long.MaxValue;
    private long _to;

    public TailWindow(int bytes) => _capacity = Math.Max(16 * Block, (bytes + Block - 1) & -Block);

    /// <summary>Whether the bytes before <paramref name="position"/> are a file's and the next may be put behind them.</summary>
    public bool EndsAt(object file, long position) => _owner == file && _to == position;

    /// <summary>Whether bytes of a file are here.</summary>
    public bool IsOf(object file) => Volatile.Read(ref _owner) == file;

    /// <summary>Begins with a file at a position. The bytes of its block before the position must be given.</summary>
    public void Begin(object file, long position, ReadOnlySpan<byte> head)
    {
        _memory = _memory.IsEmpty ? LinuxFile.AlignedMemory(_capacity) : _memory;
        Volatile.Write(ref _from, long.MaxValue);         // readers of what was here before give it up
        Interlocked.MemoryBarrier();
        Volatile.Write(ref _owner, file);
        Volatile.Write(ref _to, position);
        head.CopyTo(Bytes(position - head.Length, head.Length));
        Volatile.Write(ref _from, position - head.Length);
    }

    /// <summary>How many of so many bytes can be put at the end in one piece.</summary>
    public int Piece(int bytes) => (int)Math.Min(Math.Min(bytes, _capacity / 2), _capacity - (_to % _capacity));

    /// <summary>Puts a piece at the end, up to the end of its last block with zeros; gives the whole blocks to be written and where they
    /// begin in the file.</summary>
    public ReadOnlySpan<byte> Put(ReadOnlySpan<byte> piece, out long start)
    {
        start = _to & -Block;
        long end = _to + piece.Length;
        long blocksEnd = (end + Block - 1) & -Block;
        if (blocksEnd - _capacity > _from)
        {
            Volatile.Write(ref _from, blocksEnd - _capacity);
            Interlocked.MemoryBarrier();
        }

        piece.CopyTo(Bytes(_to, piece.Length));
        Bytes(end, (int)(blocksEnd - end)).Clear();
        Volatile.Write(ref _to, end);
        return Bytes(start, (int)(blocksEnd - start));
    }

    /// <summary>Gives up what is here: it was not written.</summary>
    public void Clear()
    {
        Volatile.Write(ref _from, long.MaxValue);
        Interlocked.MemoryBarrier();
        Volatile.Write(ref _owner, null);
    }

    /// <summary>Copies bytes of a file if all of them are here.</summary>
    public bool TryRead(object file, long position, Span<byte> bytes)
    {
        if (Volatile.Read(ref _owner) != file || position < Volatile.Read(ref _from) || position + bytes.Length > Volatile.Read(ref _to))
        {
            return false;
        }

        int first = (int)Math.Min(bytes.Length, _capacity - (position % _capacity));
        Bytes(position, first).CopyTo(bytes);
        Bytes(position + first, bytes.Length - first).CopyTo(bytes[first..]);
        Interlocked.MemoryBarrier();
        return position >= Volatile.Read(ref _from) && Volatile.Read(ref _owner) == file;
    }

    private Span<byte> Bytes(long position, int count) => count == 0 ? [] : _memory.Span.Slice((int)(position % _capacity), count);
}
