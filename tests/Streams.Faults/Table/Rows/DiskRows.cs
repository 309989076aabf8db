using System.Diagnostics;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>The disk of the device's outbox fails: its power is cut, it is full, it cannot be written. What the device tells goes to a
/// sound disk.</summary>
internal static class DiskRows
{
    private const int Cuts = 2;

    private const int PayloadBytes = 2000;

    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<FaultRow> All { get; } =
    [
        new("power-cut", "the power of the device's disk is cut, twice: what was not flushed is gone (ext4, stopped with its journal)",
            WorldKind.Alone, run => PowerCutAsync(run, DiskCache.None)) { WhyNot = WhyNoCut },
        new("power-cut-disk-cache", "… of a disk with a cache of its own, which is lost as well", WorldKind.Alone,
            run => PowerCutAsync(run, DiskCache.Volatile)) { WhyNot = WhyNoCut },
        new("disk-full",
            "the device's disk is full (ext4 of 64 MiB) while no cluster can be reached; the cluster is back, then there is room again",
            WorldKind.Alone, DiskFullAsync) { WhyNot = static () => SmallDisk.WhyNot(SmallDiskKind.Ext4) },
        new("writes-refused", "the system refuses the device's writes with ENOSPC for some seconds", WorldKind.Alone,
            run => RefusedAsync(run, "pwrite64,ftruncate,fallocate", "ENOSPC")),
        new("flushes-refused", "the system refuses the device's flushes with EIO for some seconds", WorldKind.Alone,
            run => RefusedAsync(run, "fdatasync,fsync", "EIO")),
        new("disk-read-only",
            "its file system turns read-only under it, as ext4 does at a fault; the device is killed, and starts once it can be written",
            WorldKind.Alone, ReadOnlyAsync) { WhyNot = WhyNoCut },
    ];

    private static string? WhyNoCut() => CutDisks.WhyNot.Value;

    private static async Task PowerCutAsync(FaultRun run, DiskCache cache)
    {
        var disk = run.Keep(await CutDisk.CreateAsync(run.Keep(new TemporaryDirectory()), "disk", cache));
        run.Order = run.Order with { Outbox = Path.Combine(disk.Root, "outbox.db") };
        var device = run.StartDevice();
        for (var cut = 0; cut < Cuts; cut++)
        {
            await run.PublishedAsync(device, run.Chance.Next(1, 600));
            device.Pause();                                   // process and disk stop at the same moment: see PowerCutTests
            disk.Cut();
            await device.KillAsync();
            await disk.PowerUpAsync();
            run.Mark();
            device = run.StartDevice();
        }

        await DeviceKillRows.GoOnAsync(run, device);
        await disk.CheckFileSystemAsync();
    }

    private static async Task DiskFullAsync(FaultRun run)
    {
        var disk = run.Keep(await SmallDisk.CreateAsync(run.Keep(new TemporaryDirectory()), SmallDiskKind.Ext4));
        Directory.CreateDirectory(disk.DataDirectory);
        disk.Fill();
        run.Order = run.Order with
        {
            Outbox = Path.Combine(disk.DataDirectory, "outbox.db"), PayloadBytes = PayloadBytes, MaxUnconfirmed = int.MaxValue,
        };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 100));
        await run.World.Door.CutAsync();
        await StoppedAsync(run, device);
        disk.MakeRoom();
        run.World.Door.Restore();
        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    private static async Task RefusedAsync(FaultRun run, string calls, string error)
    {
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        await using (await CallTrap.RefuseAsync(device.Id, calls, error, run.TraceFile))
        {
            await StoppedAsync(run, device);
        }

        run.Mark();
        await DeviceKillRows.GoOnAsync(run, device);
    }

    /// <summary>Publishing fails, or waits behind acknowledgements that cannot be noted: either way nothing more is taken.</summary>
    private static async Task StoppedAsync(FaultRun run, TableProcess device)
    {
        var published = -1;
        var since = Stopwatch.GetTimestamp();
        await device.ToldAsync(
            log =>
            {
                if (log.Published.Count != published)
                {
                    (published, since) = (log.Published.Count, Stopwatch.GetTimestamp());
                }

                return Stopwatch.GetElapsedTime(since) > Standstill;
            },
            "nothing more is taken");
        if (device.HasExited)
        {
            run.Findings.Add($"the device ended when its disk could not be written: {device.Report}");
        }
    }

    private static async Task ReadOnlyAsync(FaultRun run)
    {
        var directory = run.Keep(new TemporaryDirectory());
        var mount = run.Keep(await LoopMount.CreateAsync(directory.FullName, "disk", megabytes: 64));
        await ForeignTool.RunAsync("mount", ["-o", "remount,errors=remount-ro", mount.Folder]);
        run.Order = run.Order with { Outbox = Path.Combine(mount.Folder, "outbox.db") };
        var device = run.StartDevice();
        await run.AcknowledgedAsync(device, run.Chance.Next(1, 300));
        mount.Fail();
        await StoppedAsync(run, device);

        // Started on such a disk it says so, and ends.
        await device.KillAsync();
        device = run.StartDevice();
        if (await device.WaitForExitAsync() != DeviceProgram.CannotOpen || run.Log.Unopened is null)
        {
            run.Findings.Add($"a disk that cannot be written is not told as such: {device.Report}");
        }

        await mount.UnmountAsync();
        await mount.MountAsync();
        run.Mark();
        await DeviceKillRows.GoOnAsync(run, run.StartDevice());
    }
}
