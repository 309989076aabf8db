using Streams.Testing;

namespace Streams.Faults;

/// <summary>An ext4 file system in a sparse file, mounted by a loop device that the kernel gives back when it is unmounted.</summary>
internal sealed class LoopMount : IAsyncDisposable
{
    private static readonly Lock MountedGate = new();
    private static readonly HashSet<LoopMount> Mounted = [];

    static LoopMount()
    {
        // A test run that is broken off leaves nothing mounted, as long as the process ends in an orderly way. Newest first.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => UnmountAll();
    }

    private LoopMount(string image, string folder) => (Image, Folder) = (image, folder);

    public string Image { get; }

    public string Folder { get; }

    private bool IsMounted
    {
        get
        {
            lock (MountedGate)
            {
                return Mounted.Contains(this);
            }
        }
    }

    /// <summary>Makes the file system and mounts it.</summary>
    /// <exception cref="ToolFailedException">It cannot be mounted here.</exception>
    public static async Task<LoopMount> CreateAsync(string folder, string name, int megabytes)
    {
        var mount = new LoopMount(Path.Combine(folder, name + ".img"), Directory.CreateDirectory(Path.Combine(folder, name)).FullName);
        await using (var image = new FileStream(mount.Image, FileMode.CreateNew))
        {
            image.SetLength((long)megabytes << 20);
        }

        await ForeignTool.RunAsync("mkfs.ext4", ["-q", "-F", "-E", "nodiscard", mount.Image]);
        await mount.MountAsync();
        return mount;
    }

    public async Task MountAsync()
    {
        await ForeignTool.RunAsync("mount", ["-t", "ext4", "-o", "loop", Image, Folder]);
        lock (MountedGate)
        {
            Mounted.Add(this);
        }
    }

    /// <summary>The file system meets a fault of its own, and does what it was mounted to do then.</summary>
    public void Fail()
    {
        var device = File.ReadLines("/proc/mounts").Select(line => line.Split(' ')).Last(words => words[1] == Folder)[0];
        File.WriteAllText($"/sys/fs/ext4/{Path.GetFileName(device)}/trigger_fs_error", "1");
    }

    /// <summary>Unmounts; nothing happens when it is not mounted. A process that was just killed may hold it for a moment.</summary>
    public async Task UnmountAsync()
    {
        if (IsMounted)
        {
            await Eventually.TrueAsync(
                async () => (await ForeignTool.RunAsync("umount", [Folder])) is not null, $"{Folder} can be unmounted",
                TimeSpan.FromSeconds(30));
            lock (MountedGate)
            {
                Mounted.Remove(this);
            }
        }
    }

    public ValueTask DisposeAsync() => new(UnmountAsync());

    private static void UnmountAll()
    {
        LoopMount[] left;
        lock (MountedGate)
        {
            left = [.. Mounted.OrderByDescending(mount => mount.Folder.Length)];
        }

        foreach (var mount in left)
        {
            using var tool = System.Diagnostics.Process.Start(ForeignTool.Find("umount"), ["-l", mount.Folder]);
            tool.WaitForExit();
        }
    }
}
