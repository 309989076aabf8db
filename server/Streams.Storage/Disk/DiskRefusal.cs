using Streams.Core;

namespace Streams.Storage;

/// <summary>What the system's refusals mean.</summary>
internal static class DiskRefusal
{
    private const int FileTooLarge = 27;                      // EFBIG: the limit on a file, or the file system's own
    private const int NoSpace = 28;                           // ENOSPC
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    // EDQUOT
    private static int QuotaReached => OperatingSystem.IsMacOS() ? 69 : 122;

    /// <summary>Whether an exception is a refusal of the system, and not a fault of this program.</summary>
    public static bool Is(Exception e) =>
        e is IOException or UnauthorizedAccessException or ObjectDisposedException or ArgumentOutOfRangeException;

    /// <summary>The refusal as the callers of a disk know it.</summary>
    public static StorageFailedException Of(string what, Exception cause) =>
        new($"{what}: {cause.Message}", cause) { IsFull = IsForWantOfRoom(cause) };

    /// <summary>Whether what was asked for is gone, so that asking again cannot help.</summary>
    public static bool IsGone(StorageFailedException refusal) =>
        refusal.InnerException is FileNotFoundException or DirectoryNotFoundException;

    // The runtime says "out of range" when a file may not become so large.
    private static bool IsForWantOfRoom(Exception cause) => cause is ArgumentOutOfRangeException { ParamName: "value" }
        || cause.HResult is FileTooLarge or NoSpace or WindowsDiskFull or WindowsHandleDiskFull
        || (cause.HResult == QuotaReached && !OperatingSystem.IsWindows());
}
