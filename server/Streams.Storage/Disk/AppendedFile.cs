using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A file whose end is written past the system's cache, in whole blocks, and read from memory. All else goes through the
/// cache.</summary>
/// <remarks>The last block is written again with each append, as it is by a cache too: its old bytes are the same, so a torn write of it
/// loses nothing. What no flush follows goes through the cache, where it costs no wait for the disk; a direct write later makes the system
/// write those blocks back first.</remarks>
internal sealed class AppendedFile(DiskFile file, TailWindow tail) : ILogFile
{
    private SafeFileHandle? _direct;
    private bool _isTried;

    public long Length => file.Length;

    public void SetLength(long length)
    {
        Forget();
        file.SetLength(length);
    }

    public void Allocate(long from, long to, bool written)
    {
        file.Allocate(from, to, written: false);
        if (written && Direct() is { } direct)
        {
            try
            {
                LinuxFile.WriteZeros(direct, from, to);
            }
            catch (Exception e) when (DiskRefusal.Is(e))
            {
                throw DiskRefusal.Of($"allocation of {file.Name} up to {to}", e);
            }
        }
    }

    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        Forget();
        file.Write(position, bytes);
    }

    public void Append(long position, ReadOnlySpan<byte> bytes, bool flushesNext)
    {
        if (Direct() is not { } direct)
        {
            file.Write(position, bytes);
            return;
        }

        if (!tail.EndsAt(this, position))
        {
            Begin(position);
        }

        try
        {
            for (int done = 0; done < bytes.Length;)
            {
                ReadOnlySpan<byte> piece = bytes.Slice(done, tail.Piece(bytes.Length - done));
                ReadOnlySpan<byte> blocks = tail.Put(piece, out long start);
                if (flushesNext)
                {
                    RandomAccess.Write(direct, blocks, start);
                }
                else
                {
                    file.Write(position + done, piece);
                }

                done += piece.Length;
            }
        }
        catch (Exception e) when (DiskRefusal.Is(e) || e is StorageFailedException)
        {
            tail.Clear();
            throw e as StorageFailedException
                ?? DiskRefusal.Of($"write of {bytes.Length} bytes to {file.Name} at {position}", e);
        }
    }

    public int Read(long position, Span<byte> bytes) =>
        tail.TryRead(this, position, bytes) ? bytes.Length : file.Read(position, bytes);

    public ValueTask<int> ReadAsync(long position, Memory<byte> bytes, CancellationToken cancellationToken) =>
        tail.TryRead(this, position, bytes.Span) ? new ValueTask<int>(bytes.Length) : file.ReadAsync(position, bytes, cancellationToken);

    public void ForgetCache()
    {
        Forget();
        file.ForgetCache();
    }

    public void Flush() => file.Flush();

    public void Dispose()
    {
        file.Dispose();
        _direct?.Dispose();
    }

    private void Begin(long position)
    {
        Span<byte> head = stackalloc byte[(int)(position % LinuxFile.BlockBytes)];
        if (file.Read(position - head.Length, head) < head.Length)
        {
            throw new StorageFailedException($"{file.Name} ends before {position}");
        }

        tail.Begin(this, position, head);
    }

    private void Forget()
    {
        if (tail.IsOf(this))
        {
            tail.Clear();
        }
    }

    private SafeFileHandle? Direct()
    {
        if (!Volatile.Read(ref _isTried))
        {
            SafeFileHandle? opened = LinuxFile.TryOpenDirect(file.Handle);
            if (Interlocked.CompareExchange(ref _direct, opened, null) is not null)
            {
                opened?.Dispose();                        // the one who allocates was first
            }

            Volatile.Write(ref _isTried, true);
        }

        return _direct;
    }
}
