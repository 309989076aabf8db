namespace Streams.Faults;

/// <summary>The device's process is killed: at any moment, and at each step of publishing, sending and taking acknowledgements.</summary>
internal static class DeviceKillRows
{
    /// <summary>Kills in one run, on the same outbox.</summary>
    private const int Kills = 3;

    /// <summary>A device whose call did not come within so many events more is killed without it, and the run does not count.</summary>
    private const int MostEvents = 600;

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("device-killed", "kill -9 of the device at any moment, three times, on the same outbox", WorldKind.Alone, AnyMomentAsync),
        AtCall("device-killed-at-write", "… before the k-th write to its outbox (publish, and noting of acknowledgements)",
            "pwrite64", 120),
        AtCall("device-killed-at-flush", "… before the k-th flush of its outbox", "fdatasync,fsync", 60),
        AtCall("device-killed-at-send", "… before the k-th send to a cluster", "sendto,sendmsg", 25),
        AtCall("device-killed-at-receive", "… before the k-th look for an answer: the cluster holds what the device does not know of",
            "recvfrom,recvmsg", 40),
    ];

    private static FaultRow AtCall(string name, string what, string calls, int most) => new(
        name, what, WorldKind.Alone, run => AtCallAsync(run, calls, most));

    private static async Task AnyMomentAsync(FaultRun run)
    {
        var device = run.StartDevice();
        for (var kill = 0; kill < Kills; kill++)
        {
            await run.PublishedAsync(device, run.Chance.Next(1, 600));
            await device.KillAsync();
            run.Mark();
            device = run.StartDevice();
        }

        await GoOnAsync(run, device);
    }

    private static async Task AtCallAsync(FaultRun run, string calls, int most)
    {
        var hits = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            var device = run.StartDevice(CallTrap.Under(calls, run.Chance.Next(1, most), run.TraceFile));
            var enough = run.Log.Published.Count + MostEvents;
            await device.ToldAsync(log => log.Published.Count >= enough, "the call comes", TimeSpan.FromSeconds(90));
            hits += device.HasExited ? 1 : 0;
            await device.KillAsync();
        }

        run.IsHit = hits > 0;
        run.Mark();
        await GoOnAsync(run, run.StartDevice());
    }

    /// <summary>A few events more, then all of them to the cluster.</summary>
    public static async Task GoOnAsync(FaultRun run, TableProcess device)
    {
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 100));
        await run.FinishAsync(device);
    }
}
