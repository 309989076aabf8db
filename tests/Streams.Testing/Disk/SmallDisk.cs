namespace Streams.Testing;

/// <summary>What a small disk is made of.</summary>
public enum SmallDiskKind
{
    /// <summary>An ext4 file system of its own in a file: a real one, with all that it sets aside.</summary>
    Ext4,

    /// <summary>A file system in memory.</summary>
    Memory,

    /// <summary>A limit on the size of a file, which the kernel enforces at the same place and with an error of the same kind.</summary>
    FileLimit,
}

/// <summary>A disk that can be full.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    /// <summary>Size of a disk that is one.</summary>
    public const int Megabytes = 64;
    private const int LeftKilobytes = 1536;

    /// <summary>Above the step in which the log lengthens its file: the server starts, and soon needs more.</summary>
    private const long FileLimitBytes = 20 << 20;

    // CAP_SYS_ADMIN, in the line of /proc/self/status that tells what this process may.
    private const int MayMountBit = 21;
    private const string MayLine = "CapEff:";

    private readonly string _place;
    private readonly SmallDiskKind _kind;

    private SmallDisk(string place, SmallDiskKind kind)
    {
        _place = place;
        _kind = kind;
        DataDirectory = Path.Combine(place, "data");
    }

    /// <summary>Where a process is to write; it need not be there yet.</summary>
    public string DataDirectory { get; }

    private string Ballast => Path.Combine(_place, "ballast");

    /// <summary>Why this process cannot make one; <see langword="null"/> when it can.</summary>
    public static string? WhyNot(SmallDiskKind kind)
    {
        if (kind == SmallDiskKind.FileLimit)
        {
            return null;
        }

        if (!MayMount())
        {
            return "only root, with the right to mount (CAP_SYS_ADMIN), can make a disk that is full";
        }

        return kind == SmallDiskKind.Ext4 && !File.Exists("/dev/loop-control") ? "there are no loop devices (/dev/loop-control)" : null;
    }

    /// <summary>Makes one. Disposal takes it away again.</summary>
    public static async Task<SmallDisk> CreateAsync(TemporaryDirectory directory, SmallDiskKind kind)
    {
        var place = directory.CreateDirectory("disk");
        switch (kind)
        {
            case SmallDiskKind.Ext4:
                var image = directory.Combine("image");
                await using (var file = new FileStream(image, FileMode.CreateNew))
                {
                    file.SetLength((long)Megabytes << 20);
                }

                await ForeignTool.RunAsync("mkfs.ext4", ["-q", "-F", "-m", "0", image]);
                await ForeignTool.RunAsync("mount", ["-o", "loop", image, place]);
                break;
            case SmallDiskKind.Memory:
                await ForeignTool.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={Megabytes}m", "tmpfs", place]);
                break;
        }

        return new SmallDisk(place, kind);
    }

    /// <summary>For the process that shall meet the full disk: without a disk of its own, it may not write larger files.</summary>
    public ServerProcessOptions Limit(ServerProcessOptions options) => _kind != SmallDiskKind.FileLimit
        ? options
        : options with
        {
            RunUnder = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh", "prlimit", $"--fsize={FileLimitBytes}"],

            // The runtime keeps code in a large file in memory, to which the limit would apply as well.
            Environment = new Dictionary<string, string?> { ["DOTNET_EnableWriteXorExecute"] = "0" },
        };

    /// <summary>Takes nearly all the room that is left.</summary>
    public void Fill()
    {
        if (_kind == SmallDiskKind.FileLimit)
        {
            return;
        }

        using var file = new FileStream(Ballast, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 16];
        while (new DriveInfo(_place).AvailableFreeSpace > LeftKilobytes * 1024L)
        {
            file.Write(block);
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void MakeRoom() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        if (_kind != SmallDiskKind.FileLimit)
        {
            await using var unmount = ChildProcess.Start("umount", ["-l", _place]);
            await unmount.WaitForExitAsync();
        }
    }

    private static bool MayMount() => File.Exists("/proc/self/status")
        && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(MayLine, StringComparison.Ordinal)) is { } line
        && ((Convert.ToUInt64(line[MayLine.Length..].Trim(), 16) >> MayMountBit) & 1) == 1;
}
