using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A file of the operating system, read and written by position.</summary>
internal sealed class DiskFile(SafeFileHandle handle, string name) : ILogFile
{
    public string Name => name;

    public SafeFileHandle Handle => handle;

    public long Length => DirectoryDisk.Guard("length of " + name, () => RandomAccess.GetLength(handle));

    public void SetLength(long length) => DirectoryDisk.Guard("set length of " + name, () =>
    {
        RandomAccess.SetLength(handle, length);
        return true;
    });

    public void Allocate(long from, long to, bool written)
    {
        try
        {
            LinuxFile.Allocate(handle, from, to);
        }
        catch (Exception e) when (DiskRefusal.Is(e))
        {
            throw DiskRefusal.Of($"allocation of {name} up to {to}", e);
        }
    }

    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(handle, bytes, position);
        }
        catch (Exception e) when (DiskRefusal.Is(e))
        {
            throw DiskRefusal.Of($"write of {bytes.Length} bytes to {name} at {position}", e);
        }
    }

    public int Read(long position, Span<byte> bytes)
    {
        try
        {
            int total = 0;
            while (total < bytes.Length)
            {
                int read = RandomAccess.Read(handle, bytes[total..], position + total);
                if (read == 0)
                {
                    ThrowIfBefore(position + total);
                    break;
                }

                total += read;
            }

            return total;
        }
        catch (Exception e) when (DiskRefusal.Is(e))
        {
            throw DiskRefusal.Of($"read of {bytes.Length} bytes of {name} at {position}", e);
        }
    }

    public async ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            int total = 0;
            while (total < bytes.Length)
            {
                int read = await RandomAccess.ReadAsync(handle, bytes[total..], position + total, cancellationToken);
                if (read == 0)
                {
                    ThrowIfBefore(position + total);
                    break;
                }

                total += read;
            }

            return total;
        }
        catch (Exception e) when (DiskRefusal.Is(e))
        {
            throw DiskRefusal.Of($"read of {bytes.Length} bytes of {name} at {position}", e);
        }
    }

    // Who reads takes what is short for the end of the log, and cuts it there.
    private void ThrowIfBefore(long end)
    {
        if (end < RandomAccess.GetLength(handle))
        {
            throw new StorageFailedException($"{name}: nothing could be read at {end}, before its end");
        }
    }

    public void ForgetCache() => LinuxFile.ForgetCache(handle);

    public bool TryPunch(long position, long length) => HolePunch.TryPunch(handle, name, position, length);

    public void Flush() => StableStorage.Flush(handle, name);

    public void Dispose() => handle.Dispose();
}
