namespace Streams.Storage;

/// <summary>A flat folder of log files. Every failure is a <see cref="Streams.Core.StorageFailedException"/>.</summary>
/// <remarks>A name that was created or deleted is certain to survive a crash only after <see cref="SyncDirectory"/>.</remarks>
public interface ILogDisk
{
    /// <summary>The names of all files, in no order.</summary>
    IReadOnlyList<string> List();

    /// <summary>Makes a file of no bytes; one that was there is emptied.</summary>
    ILogFile Create(string name);

    /// <summary>Opens a file that is there, for reading and writing.</summary>
    ILogFile Open(string name);

    /// <summary>Removes a file; nothing happens when there is none.</summary>
    void Delete(string name);

    /// <summary>Gives a file another name, under which no file may be; it stays open. After a crash it has one of the two names.</summary>
    void Rename(string from, string to);

    /// <summary>Returns when all names created and deleted before are on stable storage.</summary>
    void SyncDirectory();
}

/// <summary>One log file. Reads may come from many threads at once; writes, flushes and changes of length from one at a time. Only
/// <see cref="Allocate"/> may go on beside writes and flushes, for a part of the file that nobody writes to yet.</summary>
public interface ILogFile : IDisposable
{
    /// <summary>Bytes in the file, written or not yet.</summary>
    long Length { get; }

    /// <summary>Cuts the file, or lengthens it with zeros.</summary>
    void SetLength(long length);

    /// <summary>Writes all bytes at a position. Without <see cref="Flush"/> a crash may lose any part of them.</summary>
    void Write(long position, ReadOnlySpan<byte> bytes);

    /// <summary>Writes all bytes at the end of what is used: behind them there are zeros alone, and zeros may be written there.</summary>
    /// <param name="position">Where.</param>
    /// <param name="bytes">What.</param>
    /// <param name="flushesNext">Whether <see cref="Flush"/> follows at once.</param>
    void Append(long position, ReadOnlySpan<byte> bytes, bool flushesNext) => Write(position, bytes);

    /// <summary>Lengthens the file with zeros and sets space aside for them, so that writing there needs no more of it.</summary>
    /// <param name="from">The length until now.</param>
    /// <param name="to">The length from now on.</param>
    /// <param name="written">Whether the zeros are really written. Space that was written once is flushed sooner: the file system has
    /// nothing to store about it.</param>
    void Allocate(long from, long to, bool written) => SetLength(to);

    /// <summary>Reads up to so many bytes; fewer only at the end of the file.</summary>
    int Read(long position, Span<byte> bytes);

    /// <summary>Reads up to so many bytes; fewer only at the end of the file.</summary>
    ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>What is read from now on comes from the disk, as far as the system lets itself be asked. After a refused flush its cache
    /// may show what the disk never got.</summary>
    void ForgetCache()
    {
    }

    /// <summary>Returns when everything written before is on stable storage; anything else is an exception.</summary>
    void Flush();

    /// <summary>Gives bytes back to the system: they read as zeros from then on and take no space. False, and nothing is changed, where the
    /// system cannot. After a crash any of them may be what they were.</summary>
    bool TryPunch(long position, long length) => false;
}
