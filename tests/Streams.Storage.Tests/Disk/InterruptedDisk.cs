namespace Streams.Storage.Tests;

/// <summary>A disk on which something else happens between a reader's decision what to read and its reading.</summary>
internal sealed class InterruptedDisk(ILogDisk disk) : ILogDisk
{
    /// <summary>What happens before the next read of that kind; once.</summary>
    public Func<Task>? BeforeRead { get; set; }

    public IReadOnlyList<string> List() => disk.List();

    public ILogFile Create(string name) => new InterruptedFile(disk.Create(name), this);

    public ILogFile Open(string name) => new InterruptedFile(disk.Open(name), this);

    public void Delete(string name) => disk.Delete(name);

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void SyncDirectory() => disk.SyncDirectory();

    private sealed class InterruptedFile(ILogFile file, InterruptedDisk owner) : ILogFile
    {
        public long Length => file.Length;

        public void SetLength(long length) => file.SetLength(length);

        public void Write(long position, ReadOnlySpan<byte> bytes) => file.Write(position, bytes);

        public void Append(long position, ReadOnlySpan<byte> bytes, bool flushesNext) => file.Append(position, bytes, flushesNext);

        public void Allocate(long from, long to, bool written) => file.Allocate(from, to, written);

        public int Read(long position, Span<byte> bytes) => file.Read(position, bytes);

        public async ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken)
        {
            if (owner.BeforeRead is { } happens)
            {
                owner.BeforeRead = null;
                await happens();
            }

            return await file.ReadAsync(position, bytes, cancellationToken);
        }

        public bool TryPunch(long position, long length) => file.TryPunch(position, length);

        public void Flush() => file.Flush();

        public void Dispose() => file.Dispose();
    }
}
