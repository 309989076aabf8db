using Streams.Testing;

namespace Streams.Faults;

/// <summary>What becomes of bytes that were given to the disk when its power is cut.</summary>
public enum DiskCache
{
    /// <summary>What reached the disk stays; what the system still had in its cache is gone.</summary>
    None,

    /// <summary>The disk has a cache of its own: whatever it was given since the last flush it was asked for is gone as well.</summary>
    Volatile,
}

/// <summary>
/// A disk with an ext4 file system whose power can be cut at any moment: an image in a sparse file, mounted by a loop device. A volatile
/// cache is made by a second file system below: the image lies in it, a flush that the upper one asks of its disk is an fsync of the image,
/// and the cut stops the lower one, so the image falls back to what was flushed. Disposal unmounts everything, also after a failure.
/// </summary>
internal sealed class CutDisk : IAsyncDisposable
{
    private const int UpperMegabytes = 320;
    private const int LowerMegabytes = 512;

    private readonly LoopMount[] _mounts;

    private CutDisk(LoopMount[] mounts) => _mounts = mounts;

    /// <summary>The folder to write in.</summary>
    public string Root => _mounts[^1].Folder;

    public static async Task<CutDisk> CreateAsync(TemporaryDirectory directory, string name, DiskCache cache)
    {
        List<LoopMount> mounts = [];
        var folder = directory.CreateDirectory(name);
        try
        {
            if (cache == DiskCache.Volatile)
            {
                mounts.Add(await LoopMount.CreateAsync(folder, "lower", LowerMegabytes));
                folder = mounts[0].Folder;
            }

            mounts.Add(await LoopMount.CreateAsync(folder, "upper", UpperMegabytes));
            foreach (var mount in mounts)
            {
                await ForeignTool.RunAsync("sync", ["-f", mount.Folder]);
            }

            return new CutDisk([.. mounts]);
        }
        catch
        {
            await UnmountAsync(mounts);
            throw;
        }
    }

    /// <summary>The power is gone: from this moment on nothing gets to the disk, and what was not flushed is lost.</summary>
    public void Cut()
    {
        foreach (var mount in _mounts)
        {
            PowerSwitch.Off(mount.Folder);
        }
    }

    /// <summary>The power comes back: everything is mounted again, from what the images hold. Nobody may have files open.</summary>
    public async Task PowerUpAsync()
    {
        await UnmountAsync(_mounts);
        foreach (var mount in _mounts)
        {
            await mount.MountAsync();
        }
    }

    /// <summary>Unmounts in order and lets e2fsck look at the image: a broken file system would make all findings worthless.</summary>
    public async Task CheckFileSystemAsync()
    {
        await _mounts[^1].UnmountAsync();
        await ForeignTool.RunAsync("e2fsck", ["-f", "-n", _mounts[^1].Image], TimeSpan.FromMinutes(1));
    }

    public ValueTask DisposeAsync() => new(UnmountAsync(_mounts));

    // The last one is mounted from within the one before.
    private static async Task UnmountAsync(IReadOnlyList<LoopMount> mounts)
    {
        foreach (var mount in mounts.Reverse())
        {
            await mount.UnmountAsync();
        }
    }
}
