using Streams.Testing;

namespace Streams.Faults;

/// <summary>A test that cuts the power of a disk. Where that cannot be done it is shown as skipped, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CutDiskFactAttribute : FactAttribute
{
    public CutDiskFactAttribute() => Skip = CutDisks.WhyNot.Value;
}

/// <summary>As <see cref="CutDiskFactAttribute"/>, for several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CutDiskTheoryAttribute : TheoryAttribute
{
    public CutDiskTheoryAttribute() => Skip = CutDisks.WhyNot.Value;
}

/// <summary>Whether disks can be cut on this machine, found out by doing it once.</summary>
internal static class CutDisks
{
    public static readonly Lazy<string?> WhyNot = new(() => Task.Run(FindOutAsync).GetAwaiter().GetResult());

    private static async Task<string?> FindOutAsync()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "Cutting the power of a disk needs Linux and root: mount, loop devices, EXT4_IOC_SHUTDOWN.";
        }

        using var directory = new TemporaryDirectory();
        try
        {
            var mount = await LoopMount.CreateAsync(directory.FullName, "probe", megabytes: 16);
            try
            {
                PowerSwitch.Off(mount.Folder);
                return null;
            }
            finally
            {
                await mount.UnmountAsync();
            }
        }
        catch (Exception cause) when (cause is ToolFailedException or IOException)
        {
            return $"No file system can be mounted and stopped here: {cause.Message.ReplaceLineEndings(" ")}";
        }
        catch (ToolMissingException)
        {
            return null;                                      // the test itself fails and names the package
        }
    }
}
