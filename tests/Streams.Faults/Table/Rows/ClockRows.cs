using System.Globalization;

namespace Streams.Faults;

/// <summary>The device's wall clock is set by a day while events wait that may live for an hour: none of them may go.</summary>
internal static class ClockRows
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan TimeToLive = TimeSpan.FromHours(1);

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("clock-forward",
            "the device's clock is set forward by a day, and back by its next start, while events wait that may live for an hour",
            WorldKind.Alone, run => JumpAsync(run, Day)),
        new("clock-back", "… is set back by a day, and forward by its next start", WorldKind.Alone, run => JumpAsync(run, -Day)),
    ];

    private static async Task JumpAsync(FaultRun run, TimeSpan by)
    {
        run.Order = run.Order with { TimeToLive = TimeToLive.TotalSeconds, MaxUnconfirmed = int.MaxValue };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        await run.World.Door.CutAsync();
        await run.PublishedAsync(device, run.Chance.Next(1, 300));
        await device.SayAsync(string.Create(CultureInfo.InvariantCulture, $"clock {by.TotalSeconds}"));
        await run.PublishedAsync(device, run.Chance.Next(1, 300));

        // The next life has the right clock again, or one that is wrong the other way.
        await device.KillAsync();
        run.Order = run.Order with { ClockOff = run.Chance.Next(2) == 0 ? 0 : -by.TotalSeconds };
        device = run.StartDevice();
        await run.PublishedAsync(device, run.Chance.Next(1, 300));
        run.World.Door.Restore();
        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }
}
