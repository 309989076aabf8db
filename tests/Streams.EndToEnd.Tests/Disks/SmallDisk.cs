using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// A disk that can be full: a small file system in memory or, where mounting is not permitted, a limit on the size of a file, which the
/// kernel enforces at the same place and with an error of the same kind.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Megabytes = 96;
    private const int LeftKilobytes = 512;

    /// <summary>Above the step in which the log lengthens its file: the server starts, and soon needs more.</summary>
    private const long FileLimitBytes = 20 << 20;

    private readonly string _mounted;
    private readonly bool _isMount;

    private SmallDisk(string mounted, bool isMount)
    {
        _mounted = mounted;
        _isMount = isMount;
        DataDirectory = Path.Combine(mounted, "data");
    }

    public string DataDirectory { get; }

    private string Ballast => Path.Combine(_mounted, "ballast");

    public static async Task<SmallDisk> CreateAsync(TemporaryDirectory directory, bool mayMount)
    {
        var path = directory.CreateDirectory("disk");
        if (!mayMount)
        {
            return new SmallDisk(path, isMount: false);
        }

        await using var mount = ChildProcess.Start("mount", ["-t", "tmpfs", "-o", $"size={Megabytes}m", "tmpfs", path]);
        return new SmallDisk(path, await mount.WaitForExitAsync() == 0);
    }

    /// <summary>For the process that shall meet the full disk: without a mount, it may not write larger files.</summary>
    public ServerProcessOptions Limit(ServerProcessOptions options) => _isMount
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
        if (!_isMount)
        {
            return;
        }

        var room = new DriveInfo(_mounted).AvailableFreeSpace - LeftKilobytes * 1024L;
        using var file = new FileStream(Ballast, FileMode.CreateNew);
        var block = new byte[1 << 16];
        for (; room > 0; room -= block.Length)
        {
            file.Write(block);
        }
    }

    public void MakeRoom() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        if (_isMount)
        {
            await using var unmount = ChildProcess.Start("umount", ["-l", _mounted]);
            await unmount.WaitForExitAsync();
        }
    }
}
