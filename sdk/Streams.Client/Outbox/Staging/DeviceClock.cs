namespace Streams.Client;

/// <summary>Reads the clocks of the device.</summary>
internal sealed class DeviceClock(TimeProvider time)
{
    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    private readonly string _boot = ReferenceEquals(time, TimeProvider.System) ? ReadBoot() : string.Empty;

    /// <summary>Now.</summary>
    public ClockReading Now => new(time.GetUtcNow().ToUnixTimeMilliseconds(), (long)time.GetElapsedTime(0).TotalMilliseconds, _boot);

    // Linux tells; elsewhere a restart of the process counts like one of the device.
    private static string ReadBoot()
    {
        try
        {
            return File.Exists(BootFile) ? File.ReadAllText(BootFile).Trim() : string.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
