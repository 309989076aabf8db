using System.Runtime.InteropServices;

namespace Streams.Faults;

/// <summary>Stops a file system at once, as if the power of its disk had gone (Linux, ext4 and xfs, root only).</summary>
internal static partial class PowerSwitch
{
    private const uint Shutdown = 0x8004587D;                 // EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32)
    private const uint WithoutFlushingTheJournal = 2;         // EXT4_GOING_FLAGS_NOLOGFLUSH

    /// <exception cref="IOException">The system refused.</exception>
    public static void Off(string folder)
    {
        var file = Open(folder, 0);
        var flags = WithoutFlushingTheJournal;
        var result = file < 0 ? -1 : Control(file, Shutdown, ref flags);
        var error = Marshal.GetLastPInvokeError();
        if (file >= 0)
        {
            _ = Close(file);
        }

        // Without its lower disk a file system may have given up by itself.
        if (result != 0 && error != InputOutputError)
        {
            throw new IOException($"the power of {folder} cannot be cut: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    private const int InputOutputError = 5;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int file, nuint request, ref uint flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
