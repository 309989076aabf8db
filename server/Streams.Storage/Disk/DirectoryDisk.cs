using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A folder of the operating system. Makes the folder when it is not there.</summary>
public sealed class DirectoryDisk : ILogDisk
{
    private readonly string _path;

    /// <summary>The files of this folder.</summary>
    /// <exception cref="StorageFailedException">The folder cannot be made.</exception>
    public DirectoryDisk(string path)
    {
        _path = System.IO.Path.GetFullPath(path);
        Guard("make folder", () => Directory.CreateDirectory(_path));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
        Guard("list folder", () => Directory.EnumerateFiles(_path).Select(f => System.IO.Path.GetFileName(f)).ToArray());

    /// <inheritdoc/>
    public ILogFile Create(string name) => Guard("create " + name, () => (ILogFile)new DiskFile(Handle(name, FileMode.Create), name));

    /// <inheritdoc/>
    public ILogFile Open(string name) => Guard("open " + name, () => (ILogFile)new DiskFile(Handle(name, FileMode.Open), name));

    /// <inheritdoc/>
    public void Delete(string name) => Guard("delete " + name, () =>
    {
        File.Delete(System.IO.Path.Combine(_path, name));
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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            throw new StorageFailedException($"{what}: {e.Message}", e);
        }
    }

    private SafeFileHandle Handle(string name, FileMode mode) =>
        File.OpenHandle(System.IO.Path.Combine(_path, name), mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
}
