using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Streams.Cluster;

/// <summary>What tells one file from a copy of it: its inode and when it was created. A remounted volume keeps both; a copy has
/// neither.</summary>
/// <param name="Inode">Number of the inode, or 0 where the system has none.</param>
/// <param name="BornNanoseconds">When the file was created, nanoseconds since 1970, or 0 where the file system does not keep it.</param>
public readonly partial record struct FileMark(ulong Inode, long BornNanoseconds)
{
    private const int CurrentDirectory = -100;      // AT_FDCWD
    private const uint InodeMask = 0x100;           // STATX_INO
    private const uint BirthMask = 0x800;           // STATX_BTIME
    private const int StatxSize = 256;
    private const int InodeAt = 32;
    private const int BirthSecondsAt = 80;
    private const int BirthNanosecondsAt = 88;

    /// <summary>Whether both are marks of one file. A creation time that one of them lacks is not compared.</summary>
    public bool IsSameFileAs(FileMark other) => Inode == other.Inode
        && (BornNanoseconds == other.BornNanoseconds || BornNanoseconds == 0 || other.BornNanoseconds == 0);

    /// <summary>The mark of a file.</summary>
    /// <exception cref="IOException">The file cannot be looked at.</exception>
    public static FileMark Of(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            long ticks = File.GetCreationTimeUtc(path).Ticks - DateTime.UnixEpoch.Ticks;
            return new FileMark(0, ticks * TimeSpan.NanosecondsPerTick);
        }

        Span<byte> stat = stackalloc byte[StatxSize];
        if (Statx(CurrentDirectory, path, 0, InodeMask | BirthMask, ref MemoryMarshal.GetReference(stat)) != 0)
        {
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }

        bool hasBirth = (BinaryPrimitives.ReadUInt32LittleEndian(stat) & BirthMask) != 0;
        long born = hasBirth
            ? (BinaryPrimitives.ReadInt64LittleEndian(stat[BirthSecondsAt..]) * 1_000_000_000)
                + BinaryPrimitives.ReadUInt32LittleEndian(stat[BirthNanosecondsAt..])
            : 0;
        return new FileMark(BinaryPrimitives.ReadUInt64LittleEndian(stat[InodeAt..]), born);
    }

    /// <summary>For people.</summary>
    public override string ToString()
    {
        DateTime born = DateTime.UnixEpoch.AddTicks(BornNanoseconds / TimeSpan.NanosecondsPerTick);
        return BornNanoseconds == 0
            ? $"inode {Inode}"
            : string.Create(CultureInfo.InvariantCulture, $"inode {Inode} of {born:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}");
    }

    // The layout of struct statx is the same on all 64-bit and 32-bit Linux systems.
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte stat);
}
