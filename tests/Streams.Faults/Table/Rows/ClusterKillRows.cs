namespace Streams.Faults;

/// <summary>The cluster's process is killed and started again: at any moment, and at each step of taking events.</summary>
internal static class ClusterKillRows
{
    private const int MostEvents = 3000;

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("cluster-killed", "kill -9 of the only cluster at any moment; it is started again", WorldKind.Alone, AnyMomentAsync),
        AtCall("cluster-killed-at-write", "… before its k-th write", "pwrite64,pwritev,write", 60),
        AtCall("cluster-killed-at-flush", "… before its k-th flush: written, not flushed, not acknowledged", "fdatasync,fsync", 40),
        AtCall("cluster-killed-at-send", "… before its k-th send: taken, and the device does not hear of it", "sendto,sendmsg", 30),
        new("cluster-killed-other-takes-over", "kill -9 of the cluster in use; the device goes to the other one; the killed one comes back",
            WorldKind.Ring, OtherTakesOverAsync),
    ];

    private static FaultRow AtCall(string name, string what, string calls, int most) => new(
        name, what, WorldKind.Alone, run => AtCallAsync(run, calls, most));

    private static async Task AnyMomentAsync(FaultRun run)
    {
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 600));
        await run.World.Sj.KillAsync();
        await StartAgainAsync(run);
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task AtCallAsync(FaultRun run, string calls, int most)
    {
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 50));
        var server = run.World.Sj.Server;
        await using (await CallTrap.AttachAsync(server.Id, calls, run.Chance.Next(1, most), run.TraceFile))
        {
            var enough = run.Log.Stored.Count + MostEvents;
            await device.ToldAsync(log => server.HasExited || log.Stored.Count >= enough, "the call comes", TimeSpan.FromSeconds(90));
            run.IsHit = server.HasExited;
            await run.World.Sj.KillAsync();
        }

        await StartAgainAsync(run);
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task OtherTakesOverAsync(FaultRun run)
    {
        var ring = run.World.Ring!;
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 600));
        run.Mark();
        await ring.Sj.KillAsync();
        await run.AcknowledgedAsync(device, run.Chance.Next(300, 900));
        await ring.Sj.StartAsync();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task StartAgainAsync(FaultRun run)
    {
        await run.World.Sj.StartAsync();
        run.Mark();
    }
}
