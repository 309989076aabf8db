using Streams.Core;

namespace Streams.Client;

/// <summary>Holds an outbox for one process, and in it for one client: a lock file beside the database, held open as long as this
/// lives.</summary>
/// <remarks>The operating system lets it go when the process dies, so nothing is ever left locked. The file itself stays.</remarks>
internal sealed class OutboxLock : IDisposable
{
    private readonly FileStream _file;

    private OutboxLock(FileStream file) => _file = file;

    /// <summary>Takes the lock.</summary>
    /// <exception cref="StorageFailedException">Another process or client has it, or the directory cannot be written.</exception>
    public static OutboxLock Take(string path)
    {
        try
        {
            string? directory = Path.GetDirectoryName(Path.GetFullPath(path));
            if (directory is not null)
            {
                Directory.CreateDirectory(directory);
            }

            return new OutboxLock(new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new StorageFailedException($"outbox {path} is in use by another process", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new StorageFailedException($"outbox {path} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Whether someone has the lock. A look, no promise; it holds the lock for a moment when nobody else does.</summary>
    public static bool IsHeld(string path)
    {
        try
        {
            using FileStream look = new(path + ".lock", FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
