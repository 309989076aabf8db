using Streams.Client;

namespace Streams.Faults;

/// <summary>An outbox of one MiB is full, or its events grow old, while no cluster can be reached; then it comes back.</summary>
internal static class PolicyRows
{
    private const long OutboxBytes = 1 << 20;

    /// <summary>With this payload the outbox is full several times over.</summary>
    private const int Events = 3000;

    private const int PayloadBytes = 1000;

    /// <summary>Publishes that wait for room at the least before the cluster comes back.</summary>
    private const int Waiting = 4;

    private static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("outbox-full-block", "an outbox of 1 MiB is full and publishing waits (`Block`), until the cluster is back", WorldKind.Alone,
            BlockAsync),
        Of(OutboxPolicy.Reject, "outbox-full-reject", "… publishing is rejected"),
        Of(OutboxPolicy.DropOldest, "outbox-full-drop-oldest", "… the oldest events are dropped"),
        Of(OutboxPolicy.DropNewest, "outbox-full-drop-newest", "… the newest event is dropped"),
        Of(OutboxPolicy.KeepLatestPerKey, "outbox-full-keep-latest", "… the latest event of each of seven keys is kept"),
        new("events-expire", "events with one second to live wait longer than that", WorldKind.Alone, ExpireAsync),
    ];

    private static FaultRow Of(OutboxPolicy policy, string name, string what)
        => new(name, $"{what} (`{policy}`)", WorldKind.Alone, run => DropAsync(run, policy));

    private static async Task BlockAsync(FaultRun run)
    {
        var device = await CutOffAsync(run, null);
        await device.ToldAsync(log => log.Published.Count > 100 && log.Begun.Count - log.Published.Count >= Waiting, "publishing waits");
        var published = -1;
        await device.ToldAsync(
            log =>
            {
                var stands = log.Published.Count == published;
                published = log.Published.Count;
                return stands;
            },
            "nothing more is taken");
        if (run.Log.Failed.Count > 0)
        {
            run.Findings.Add($"publishing failed instead of waiting: {run.Log.Failed.Values.First()}");
        }

        await BackAsync(run, device);
    }

    private static async Task DropAsync(FaultRun run, OutboxPolicy policy)
    {
        run.MayDrop = true;
        var device = await CutOffAsync(run, policy);
        await device.ToldAsync(log => log.Published.Count + log.Refused.Count >= Events, $"{Events} events are published or rejected");
        if (run.Log.Refused.Count + run.Log.Dropped.Count == 0)
        {
            run.Findings.Add("nothing was rejected or dropped, so nothing was tested");
        }

        await BackAsync(run, device);
    }

    private static async Task ExpireAsync(FaultRun run)
    {
        run.MayDrop = true;
        run.Order = run.Order with { TimeToLive = TimeToLive.TotalSeconds };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        await run.World.Door.CutAsync();
        await device.ToldAsync(log => log.Dropped.Count >= run.Order.MaxUnconfirmed, "events expire");
        await BackAsync(run, device);
    }

    private static async Task<TableProcess> CutOffAsync(FaultRun run, OutboxPolicy? policy)
    {
        run.Order = run.Order with
        {
            Policy = policy, OutboxBytes = OutboxBytes, PayloadBytes = PayloadBytes, MaxUnconfirmed = int.MaxValue,
        };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        await run.World.Door.CutAsync();
        return device;
    }

    private static async Task BackAsync(FaultRun run, TableProcess device)
    {
        run.World.Door.Restore();
        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }
}
