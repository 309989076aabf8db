using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The lock on a data directory: held by one live process, released by the system when the process ends, however it
/// ends.</summary>
internal sealed class DataDirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file) => _file = file;

    /// <summary>Takes the lock.</summary>
    /// <exception cref="TryAgainException">A live process holds it.</exception>
    public static DataDirectoryLock Take(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, DataDirectory.LockFile);
        string holder = Path.Combine(dataDirectory, DataDirectory.HolderFile);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new TryAgainException($"data directory {dataDirectory} is in use by another process{Holder(holder)}");
        }

        // The holder's id is for people only; who holds the lock is known to the system.
        File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n", Encoding.ASCII);
        return new DataDirectoryLock(file);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static string Holder(string path)
    {
        try
        {
            string text = File.ReadAllText(path).TrimEnd();
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? $" (process {id})"
                : string.Empty;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
