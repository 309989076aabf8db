using System.Runtime.InteropServices;

namespace Streams.Storage;

/// <summary>Gives files other names. The runtime's own call makes up for a refusal: it links and unlinks, and where that is refused too it
/// copies the file and deletes it. Whoever has it open would go on writing, and flushing, a file that has no name any more. So the
/// system is asked directly, and a refusal is raised.</summary>
internal static partial class FileName
{
    /// <summary>The file has its new name, or an exception is raised and it has one of the two; it stays the same file.</summary>
    /// <exception cref="IOException">There is a file of that name, or the system refused.</exception>
    public static void Change(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Move(from, to);                          // by handle and within one volume: nothing is copied there
            return;
        }

        if (File.Exists(to))
        {
            throw new IOException($"there is a file {to}");
        }

        if (Rename(from, to) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)} (error {error})");
        }
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);
}
