using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Streams.Storage;

/// <summary>The one place that asks Linux for what the runtime does not offer of files: opening past the cache, and space set
/// aside.</summary>
internal static partial class LinuxFile
{
    /// <summary>Positions, lengths and addresses of direct writes are multiples of this: no disk has larger blocks.</summary>
    public const int BlockBytes = 4096;

    private const int ReadWrite = 2;
    private const int CloseOnExec = 0x80000;
    private const int NotSupported = 95;                  // EOPNOTSUPP
    private const int NotImplemented = 38;                // ENOSYS

    private const int DontNeed = 4;                       // POSIX_FADV_DONTNEED

    private const int ZeroBytes = 256 << 10;

    private static readonly Memory<byte> Zeros = AlignedMemory(ZeroBytes);

    private static int Direct => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;

    /// <summary>Opens the file of a handle once more, for writing past the cache; <see langword="null"/> where the system does not offer
    /// it. Not by its name, which may have changed.</summary>
    public static SafeFileHandle? TryOpenDirect(SafeFileHandle file)
    {
        int direct = OperatingSystem.IsLinux()
            ? Open($"/proc/self/fd/{file.DangerousGetHandle()}", ReadWrite | CloseOnExec | Direct)
            : -1;
        GC.KeepAlive(file);
        return direct < 0 ? null : new SafeFileHandle(direct, ownsHandle: true);
    }

    /// <summary>Writes zeros in whole blocks past the cache, as far as there are whole blocks. In small pieces: a flush of the log that
    /// meets one waits for it.</summary>
    public static void WriteZeros(SafeFileHandle direct, long from, long to)
    {
        from = (from + BlockBytes - 1) & -BlockBytes;
        to &= -BlockBytes;
        for (long at = from; at < to; at += ZeroBytes)
        {
            RandomAccess.Write(direct, Zeros.Span[..(int)Math.Min(ZeroBytes, to - at)], at);
        }
    }

    /// <summary>Zeroed memory that begins at a block's address, and is not moved.</summary>
    public static unsafe Memory<byte> AlignedMemory(int bytes)
    {
        byte[] memory = GC.AllocateArray<byte>(bytes + BlockBytes, pinned: true);
        fixed (byte* start = memory)
        {
            return memory.AsMemory((int)(-(nint)start & (BlockBytes - 1)), bytes);
        }
    }

    /// <summary>Lengthens a file with zeros and sets space aside for them; only lengthens it where the system cannot do more.</summary>
    /// <exception cref="IOException">There is no space, or the disk refused.</exception>
    public static void Allocate(SafeFileHandle file, long from, long to)
    {
        if (OperatingSystem.IsLinux() && to > from)
        {
            if (Fallocate(file, 0, from, to - from) == 0)
            {
                return;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error is not (NotSupported or NotImplemented))
            {
                GiveBack(file, from);
                throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)} (error {error})", error);
            }
        }

        RandomAccess.SetLength(file, to);
    }

    // The system keeps what it found before there was no more: the last of a full disk, which others on it need.
    private static void GiveBack(SafeFileHandle file, long from)
    {
        try
        {
            RandomAccess.SetLength(file, from);
        }
        catch (IOException)
        {
            // The refusal that is about to be told counts.
        }
    }

    /// <summary>Lets the system forget what it has of a file in its cache and need not write: reading asks the disk.</summary>
    public static void ForgetCache(SafeFileHandle file)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(file, 0, 0, DontNeed);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);
}
