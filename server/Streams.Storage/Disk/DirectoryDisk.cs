using Streams.Core;

namespace Streams.Storage;

/// <summary>A folder of the operating system. Makes the folder when it is not there.</summary>
public sealed class DirectoryDisk : ILogDisk
{
    private readonly string _path;
    private readonly TailWindow? _tail;

    /// <summary>The files of this folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="tailBytes">Bytes of the file appended to last that are kept in memory for readers; appends then go past the system's
    /// cache where the file system allows it. 0: they go through the cache.</param>
    /// <exception cref="StorageFailedException">The folder cannot be made.</exception>
    public DirectoryDisk(string path, int tailBytes = 0)
    {
        _path = System.IO.Path.GetFullPath(path);
        _tail = tailBytes > 0 && OperatingSystem.IsLinux() ? new TailWindow(tailBytes) : null;
        Guard("make folder", () => Directory.CreateDirectory(_path));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
        Guard("list folder", () => Directory.EnumerateFiles(_path).Select(f => System.IO.Path.GetFileName(f)).ToArray());

    /// <inheritdoc/>
    public ILogFile Create(string name) => Guard("create " + name, () => Make(name, FileMode.Create));

    /// <inheritdoc/>
    public ILogFile Open(string name) => Guard("open " + name, () => Make(name, FileMode.Open));

    /// <inheritdoc/>
    public void Delete(string name) => Guard("delete " + name, () =>
    {
        File.Delete(System.IO.Path.Combine(_path, name));
        return true;
    });

    /// <inheritdoc/>
    public void Rename(string from, string to) => Guard($"rename {from} to {to}", () =>
    {
        FileName.Change(System.IO.Path.Combine(_path, from), System.IO.Path.Combine(_path, to));
        return true;
    });

    /// <inheritdoc/>
    public void SyncDirectory() => StableStorage.FlushDirectory(_path);

    internal static T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (DiskRefusal.Is(e))
        {
            throw DiskRefusal.Of(what, e);
        }
    }

    private ILogFile Make(string name, FileMode mode)
    {
        string path = System.IO.Path.Combine(_path, name);
        DiskFile file = new(File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), name);
        return _tail is null ? file : new AppendedFile(file, _tail);
    }
}
