using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one place where bytes are forced onto stable storage. The runtime's own calls return normally when the kernel reports an
/// input/output error, so the system is asked directly and every refusal is raised.</summary>
public static partial class StableStorage
{
    private const int MacFullSync = 51;

    /// <summary>Returns when the file's bytes, and its length, are on stable storage.</summary>
    /// <exception cref="StorageFailedException">The system refused, or the handle is closed or invalid. What was written since the last
    /// good flush may be lost, even if a later flush says yes: reopen and verify.</exception>
    public static void Flush(SafeFileHandle file, string name)
    {
        bool flushed;
        try
        {
            flushed = OperatingSystem.IsWindows() ? FlushFileBuffers(file)
                : OperatingSystem.IsMacOS() ? Fcntl(file, MacFullSync) != -1
                : Fdatasync(file) == 0;
        }
        catch (ObjectDisposedException closed)
        {
            throw new StorageFailedException($"flush of {name}: the file is closed", closed);
        }

        if (!flushed)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new StorageFailedException($"flush of {name}: {Marshal.GetPInvokeErrorMessage(error)} (error {error})");
        }
    }

    /// <summary>Returns when the names in a folder are on stable storage. Windows keeps them in its own journal: nothing to do
    /// there.</summary>
    /// <exception cref="StorageFailedException">The system refused.</exception>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int folder = Open(path, 0);
        int error = Marshal.GetLastPInvokeError();
        bool flushed = folder >= 0 && Fsync(folder) == 0;
        if (folder >= 0)
        {
            error = flushed ? 0 : Marshal.GetLastPInvokeError();
            _ = Close(folder);
        }

        if (!flushed)
        {
            throw new StorageFailedException($"flush of folder {path}: {Marshal.GetPInvokeErrorMessage(error)} (error {error})");
        }
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    [LibraryImport("kernel32.dll", EntryPoint = "FlushFileBuffers", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle file);
}
