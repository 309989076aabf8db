using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// A disk that can be full. Where mounting is permitted, a small file system in memory; else a limit on the size of a file, which
/// the kernel enforces at the same place and with an error of the same kind.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Megabytes = 96;
    private const int LeftKilobytes = 512;
    private const long FileLimitBytes = 1 << 20;

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

    public static async Task<SmallDisk> CreateAsync(TemporaryDirectory directory)
    {
        var path = directory.CreateDirectory("disk");
        await using var mount = ChildProcess.Start("mount", ["-t", "tmpfs", "-o", $"size={Megabytes}m", "tmpfs", path]);
        return new SmallDisk(path, await mount.WaitForExitAsync() == 0);
    }

    /// <summary>For the process that shall meet the full disk: without a mount, it may not write larger files.</summary>
    public ServerProcessOptions Limit(ServerProcessOptions options) => _isMount
        ? options
        : options with { RunUnder = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh", "prlimit", $"--fsize={FileLimitBytes}"] };

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
