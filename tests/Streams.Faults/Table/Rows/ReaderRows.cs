using System.Diagnostics;

namespace Streams.Faults;

/// <summary>Who reads meets the faults, while a device publishes: each event is given once and in order. A reader that is killed may be
/// given again what it had not acknowledged yet, and what it acknowledged in its last moment.</summary>
internal static class ReaderRows
{
    private const int Kills = 3;
    private const int MostEvents = 600;

    /// <summary>Milliseconds: far longer than an acknowledgement takes to the disk.</summary>
    private const int LongestLife = 4000;

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("reader-killed", "kill -9 of a reading process at any moment, three times, with the same memory", WorldKind.Alone,
            AnyMomentAsync),
        AtCall("reader-killed-at-write", "… before the k-th write to its memory", "pwrite64", 60),
        AtCall("reader-killed-at-flush", "… before the k-th flush of its memory", "fdatasync,fsync", 20),
        AtCall("reader-killed-at-send", "… before the k-th send to a cluster", "sendto,sendmsg", 15),
        new("readers-cluster-killed", "kill -9 of the only cluster under a reader that stays; it is started again", WorldKind.Alone,
            ClusterKilledAsync),
        new("reader-moves", "kill -9 of the cluster in use under a reader that goes to the other one, and back later", WorldKind.Ring,
            MovesAsync),
    ];

    private static FaultRow AtCall(string name, string what, string calls, int most) => new(
        name, what, WorldKind.Alone, run => AtCallAsync(run, calls, most));

    private static async Task AnyMomentAsync(FaultRun run)
    {
        var device = run.StartDevice();
        for (var kill = 0; kill < Kills; kill++)
        {
            var reader = run.StartReader();
            var before = run.Reading!.Given.Count;
            var (started, life) = (Stopwatch.GetTimestamp(), TimeSpan.FromMilliseconds(run.Chance.Next(500, LongestLife)));
            await reader.ToldAsync(
                log => log.Given.Count > before && Stopwatch.GetElapsedTime(started) > life, "events are given for a while");
            await KillAsync(run, reader);
        }

        await ToTheEndAsync(run, device, run.StartReader());
    }

    private static async Task AtCallAsync(FaultRun run, string calls, int most)
    {
        var device = run.StartDevice();
        var hits = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            var reader = run.StartReader(CallTrap.Under(calls, run.Chance.Next(1, most), run.TraceFile));
            var enough = run.Reading!.Given.Count + MostEvents;
            await reader.ToldAsync(log => log.Given.Count >= enough, "the call comes", TimeSpan.FromSeconds(90));
            hits += reader.HasExited ? 1 : 0;
            await KillAsync(run, reader);
        }

        run.IsHit = hits > 0;
        await ToTheEndAsync(run, device, run.StartReader());
    }

    private static async Task ClusterKilledAsync(FaultRun run)
    {
        var device = run.StartDevice();
        var reader = run.StartReader();
        for (var kill = 0; kill < 2; kill++)
        {
            var goal = run.Reading!.Given.Count + run.Chance.Next(1, 500);
            await reader.ToldAsync(log => log.Given.Count >= goal, $"{goal} events are given");
            await run.World.Sj.KillAsync();
            await run.World.Sj.StartAsync();
            run.Mark();
        }

        await ToTheEndAsync(run, device, reader);
    }

    private static async Task MovesAsync(FaultRun run)
    {
        var ring = run.World.Ring!;
        var device = run.StartDevice();
        var reader = run.StartReader();
        var goal = run.Chance.Next(1, 500);
        await reader.ToldAsync(log => log.Given.Count >= goal, $"{goal} events are given");
        run.Mark();
        await ring.Sj.KillAsync();
        await run.AcknowledgedAsync(device, run.Chance.Next(100, 500));
        await ring.Sj.StartAsync();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        run.Mark();
        await ring.NyDoor.CutAsync();
        await run.AcknowledgedAsync(device, run.Chance.Next(100, 500));
        ring.NyDoor.Restore();
        await ToTheEndAsync(run, device, reader);
    }

    private static async Task KillAsync(FaultRun run, TableProcess reader)
    {
        // One that has ended by its own call did so soon behind what it told last.
        var killed = reader.HasExited && run.Reading!.Given.Count > 0 ? run.Reading.Given[^1].Time : Stopwatch.GetTimestamp();
        await reader.KillAsync();
        run.Reading!.Killed(killed);
        run.Mark();
    }

    private static async Task ToTheEndAsync(FaultRun run, TableProcess device, TableProcess reader)
    {
        await DeviceKillRows.GoOnAsync(run, device);
        await reader.ToldAsync(
            log => run.Log.Published.All(log.HasGiven), "everything is given to the reader", TimeSpan.FromSeconds(90));
        await reader.FinishAsync();
    }
}
