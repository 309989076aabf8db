using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one place where parts of a file are given back to the file system. Only Linux is asked; elsewhere space comes back when
/// whole files are deleted.</summary>
internal static partial class HolePunch
{
    private const int KeepSize = 1;
    private const int PunchHole = 2;

    // The file system cannot, the system does not know the call, or a filter forbids it: none of them is a fault of the disk.
    private static readonly int[] Cannot = [1, 19, 38, 95];

    /// <summary>Makes the bytes read as zeros and take no space; false, and nothing is changed, where the system cannot.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public static bool TryPunch(SafeFileHandle file, string name, long position, long length)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        int result;
        try
        {
            result = Fallocate(file, PunchHole | KeepSize, position, length);
        }
        catch (ObjectDisposedException closed)
        {
            throw new StorageFailedException($"hole in {name}: the file is closed", closed);
        }

        if (result == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return Array.IndexOf(Cannot, error) >= 0 ? false
            : throw new StorageFailedException(
                $"hole of {length} bytes in {name} at {position}: {Marshal.GetPInvokeErrorMessage(error)} (error {error})");
    }

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);
}
