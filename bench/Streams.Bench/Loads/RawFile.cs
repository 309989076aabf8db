using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>How the file of a reference was prepared.</summary>
internal enum RawSpace
{
    /// <summary>New, its space set aside: what a log meets that is never written twice.</summary>
    Allocated,

    /// <summary>All of it was written, and flushed, before: the best that a disk can be given.</summary>
    Overwritten,
}

/// <summary>What this disk gives a program that only writes and flushes, or only reads: past the system's cache where that is
/// offered.</summary>
internal static partial class RawFile
{
    private const int Block = LinuxFile.BlockBytes;
    private const long MaxBytes = 2L << 30;

    /// <summary>Bytes per second when written in equal pieces, each flushed.</summary>
    public static double WriteRate(string path, long bytes, int piece, RawSpace space)
    {
        piece = (piece + Block - 1) & -Block;
        long[] ticks = Write(path, (int)Math.Clamp(Math.Min(bytes, MaxBytes) / piece, 1, 20_000), piece, space);
        return (double)piece * ticks.Length / ticks.Sum() * Stopwatch.Frequency;
    }

    /// <summary>How long each write and flush takes, in ticks of the stopwatch.</summary>
    public static long[] Write(string path, int count, int piece, RawSpace space)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        LinuxFile.Allocate(file, 0, (long)count * piece);
        using SafeFileHandle? direct = LinuxFile.TryOpenDirect(file);
        if (space == RawSpace.Overwritten && direct is not null)
        {
            LinuxFile.WriteZeros(direct, 0, (long)count * piece);
        }

        StableStorage.Flush(file, path);
        Memory<byte> bytes = LinuxFile.AlignedMemory(piece);
        new Random(1).NextBytes(bytes.Span);
        long[] ticks = new long[count];
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            RandomAccess.Write(direct ?? file, bytes.Span, (long)i * piece);
            StableStorage.Flush(file, path);
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }

        return ticks;
    }

    /// <summary>Bytes per second when files are read from front to back, through the cache, in pieces.</summary>
    public static double ReadRate(IReadOnlyList<string> paths, int piece)
    {
        byte[] bytes = new byte[piece];
        long total = 0;
        long start = Stopwatch.GetTimestamp();
        foreach (string path in paths)
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            long at = 0;
            for (int read; (read = RandomAccess.Read(file, bytes, at)) > 0; at += read)
            {
            }

            total += at;
        }

        return total / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Milliseconds that so many reads at random places take, one after the other.</summary>
    public static double ReadAtRandom(IReadOnlyList<string> paths, int count, int bytes, Random chance)
    {
        byte[] piece = new byte[bytes];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            string path = paths[chance.Next(paths.Count)];
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            _ = RandomAccess.Read(file, piece, chance.NextInt64(Math.Max(1, RandomAccess.GetLength(file) - bytes)));
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Takes files out of the system's cache; says how.</summary>
    public static string DropCache(IReadOnlyList<string> paths)
    {
        foreach (string path in paths)
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            StableStorage.Flush(file, path);
            if (OperatingSystem.IsLinux())
            {
                const int DontNeed = 4;
                _ = Advise(file, 0, 0, DontNeed);
            }
        }

        try
        {
            File.WriteAllText("/proc/sys/vm/drop_caches", "1");
            return "caches dropped by /proc/sys/vm/drop_caches";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return OperatingSystem.IsLinux() ? "cache dropped by posix_fadvise" : "cache not dropped";
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
}
