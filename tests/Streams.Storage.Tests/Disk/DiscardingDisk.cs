namespace Streams.Storage.Tests;

/// <summary>A disk that keeps only lengths: for measuring what a container itself keeps in memory.</summary>
internal sealed class DiscardingDisk : ILogDisk
{
    private readonly Dictionary<string, DiscardingFile> _files = [];

    public IReadOnlyList<string> List() => [.. _files.Keys];

    public ILogFile Create(string name) => _files[name] = new DiscardingFile();

    public ILogFile Open(string name) => _files[name];

    public void Delete(string name) => _files.Remove(name);

    public void Rename(string from, string to)
    {
        _files[to] = _files[from];
        _files.Remove(from);
    }

    public void SyncDirectory()
    {
    }

    private sealed class DiscardingFile : ILogFile
    {
        public long Length { get; private set; }

        public void SetLength(long length) => Length = length;

        public void Write(long position, ReadOnlySpan<byte> bytes) => Length = Math.Max(Length, position + bytes.Length);

        public int Read(long position, Span<byte> bytes)
        {
            int count = (int)Math.Clamp(Length - position, 0, bytes.Length);
            bytes[..count].Clear();
            return count;
        }

        public ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken) =>
            new(Read(position, bytes.Span));

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }
}
