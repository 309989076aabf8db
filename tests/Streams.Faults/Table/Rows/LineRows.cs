using Streams.EndToEnd.Tests;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>The way to the cluster fails in every manner; another cluster is there to go to, unless the row says otherwise.</summary>
internal static class LineRows
{
    private const int Flaps = 12;
    private static readonly TimeSpan LongestFlap = TimeSpan.FromMilliseconds(400);

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("cluster-refuses", "connections are reset and new ones refused; later taken again", WorldKind.Ring,
            run => StruckAsync(run, r => r.SjDoor.CutAsync())),
        new("half-open", "nothing arrives any more in either direction, connections stay open and new ones are taken", WorldKind.Ring,
            run => StruckAsync(run, r => SwallowAsync(r, Direction.ToClient, Direction.ToTarget))),
        new("answers-lost", "the cluster takes and flushes events, its answers do not arrive: they stand in two lanes and are given once",
            WorldKind.Ring, run => StruckAsync(run, r => SwallowAsync(r, Direction.ToClient))),
        new("requests-lost", "what the device sends does not arrive", WorldKind.Ring,
            run => StruckAsync(run, r => SwallowAsync(r, Direction.ToTarget))),
        new("cluster-stopped", "the cluster's process stands still (SIGSTOP), later it goes on", WorldKind.Ring, StoppedAsync),
        new("line-flaps", "the line to the only cluster is cut and mended twelve times, 0 to 400 ms apart", WorldKind.Alone, FlapsAsync),
        new("line-slow", "the line to the only cluster has 300 ms delay each way and 64 kB/s", WorldKind.Alone, SlowAsync),
        new("all-clusters-gone", "no cluster can be reached for as long as it takes to publish 2,000 events, then both again",
            WorldKind.Ring, AllGoneAsync),
    ];

    private static async Task StruckAsync(FaultRun run, Func<Ring, Task> strikeAsync)
    {
        var ring = run.World.Ring!;
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 600));
        run.Mark();
        await strikeAsync(ring);
        await run.AcknowledgedAsync(device, run.Chance.Next(300, 900));
        ring.SjDoor.Restore();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static Task SwallowAsync(Ring ring, params Direction[] directions)
    {
        foreach (var direction in directions)
        {
            ring.SjDoor.CutOneWay(direction);
        }

        return Task.CompletedTask;
    }

    private static async Task StoppedAsync(FaultRun run)
    {
        var ring = run.World.Ring!;
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 600));
        run.Mark();
        ring.Sj.Server.Pause();
        await run.AcknowledgedAsync(device, run.Chance.Next(300, 900));
        ring.Sj.Server.Resume();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task FlapsAsync(FaultRun run)
    {
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, 1);
        for (var flap = 0; flap < Flaps; flap++)
        {
            await run.World.Door.CutAsync(run.Chance.Next(2) == 0 ? CutStyle.Reset : CutStyle.Close);
            await PassAsync(run);
            run.World.Door.Restore();
            if (flap < Flaps - 1)
            {
                await PassAsync(run);
            }
        }

        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task SlowAsync(FaultRun run)
    {
        var line = new CuttingProxyOptions { Delay = TimeSpan.FromMilliseconds(300), MaxBytesPerSecond = 64_000 };
        await using var slow = CuttingProxy.Start(run.World.Sj.Options.MqttPort, line);
        run.Order = run.Order with { Clusters = [run.World.Sj.At(slow.Port).ToString()] };
        var device = run.StartDevice();
        run.Mark();
        await run.AcknowledgedAsync(device, run.Chance.Next(500, 1500));
        await run.FinishAsync(device);
    }

    private static async Task AllGoneAsync(FaultRun run)
    {
        var ring = run.World.Ring!;
        run.Order = run.Order with { MaxUnconfirmed = 4000 };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 600));
        await Task.WhenAll(ring.SjDoor.CutAsync(), ring.NyDoor.CutAsync());
        await run.PublishedAsync(device, 2000);
        ring.SjDoor.Restore();
        ring.NyDoor.Restore();
        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    // How long a line is down, and up, is the fault itself here: real time passes on purpose.
    private static async Task PassAsync(FaultRun run)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(run.Chance.Next(1, (int)LongestFlap.TotalMilliseconds)));
        await timer.WaitForNextTickAsync();
    }
}
