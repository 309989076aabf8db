using Streams.Core;
using Streams.Storage;

namespace Streams.Simulation;

/// <summary>Memory that all disks of a world take turns in, and the moment before which nobody needs anything of them any more.</summary>
internal sealed class DiskPool(Timeline time, int segmentBytes)
{
    private readonly Stack<byte[]> _free = new();

    public int SegmentBytes => segmentBytes;

    /// <summary>What was written before this moment is held by every cluster: no link will read it again.</summary>
    public long Floor { get; set; }

    /// <summary>Bytes of memory that files have now.</summary>
    public long Bytes { get; private set; }

    public long Now => time.Now;

    public byte[] Rent(int bytes)
    {
        byte[] memory = bytes <= segmentBytes && _free.TryPop(out byte[]? free) ? free : new byte[Math.Max(bytes, segmentBytes)];
        Bytes += memory.Length;
        return memory;
    }

    public void GiveBack(byte[] memory)
    {
        Bytes -= memory.Length;
        if (memory.Length == segmentBytes)
        {
            Array.Clear(memory);
            _free.Push(memory);
        }
    }
}

/// <summary>A disk in memory that gives back the memory of ended segments once every cluster holds what is in them: thousands of stores
/// would else keep thousands of copies of everything. One that <paramref name="keeps"/> gives back nothing.</summary>
internal sealed class PassingDisk(DiskPool pool, bool keeps) : ILogDisk
{
    // A link that began to send before the last cluster had it may still read for a moment.
    private const long GraceMilliseconds = 500;

    private readonly Queue<PassingFile> _ended = new();
    private readonly Dictionary<string, PassingFile> _files = [];
    private PassingFile? _current;

    public IReadOnlyList<string> List() => [.. _files.Keys];

    public ILogFile Create(string name)
    {
        if (_current is not null && !keeps)
        {
            _ended.Enqueue(_current);
        }

        while (_ended.TryPeek(out PassingFile? oldest) && oldest.WrittenAt + GraceMilliseconds < pool.Floor)
        {
            _ended.Dequeue().GiveBack();
        }

        return _files[name] = _current = new PassingFile(name, pool);
    }

    public ILogFile Open(string name) => _files.TryGetValue(name, out PassingFile? file) ? file
        : throw new StorageFailedException($"{name}: no such file");

    public void Delete(string name) => _files.Remove(name);

    public void Rename(string from, string to)
    {
        _files[to] = _files[from];
        _files.Remove(from);
    }

    public void SyncDirectory()
    {
    }

    private sealed class PassingFile(string name, DiskPool pool) : ILogFile
    {
        private byte[] _memory = [];
        private bool _isGone;

        public long WrittenAt { get; private set; }

        public long Length { get; private set; }

        public void SetLength(long length) => Length = length;

        public void Write(long position, ReadOnlySpan<byte> bytes)
        {
            int end = (int)position + bytes.Length;
            if (end > _memory.Length)
            {
                byte[] larger = pool.Rent(end);
                _memory.CopyTo(larger, 0);
                if (_memory.Length > 0)
                {
                    pool.GiveBack(_memory);
                }

                _memory = larger;
            }

            bytes.CopyTo(_memory.AsSpan((int)position));
            Length = Math.Max(Length, end);
            WrittenAt = pool.Now;
        }

        public int Read(long position, Span<byte> bytes)
        {
            if (_isGone)
            {
                throw new StorageFailedException($"{name}: read at {pool.Now} ms, but all clusters held it before {pool.Floor} ms");
            }

            int count = (int)Math.Clamp(Math.Min(Length, _memory.Length) - position, 0, bytes.Length);
            _memory.AsSpan((int)position, count).CopyTo(bytes);
            return count;
        }

        public ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken) =>
            new(Read(position, bytes.Span));

        public void Flush()
        {
        }

        public void GiveBack()
        {
            pool.GiveBack(_memory);
            (_memory, _isGone) = ([], true);
        }

        public void Dispose()
        {
        }
    }
}
