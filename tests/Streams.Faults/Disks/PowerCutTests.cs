using System.Globalization;
using Streams.EndToEnd.Tests;
using Streams.Storage;
using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Faults;

/// <summary>
/// The power of the disk is cut under load of many producers, on real file systems: what was acknowledged is there, exactly once, where it
/// was acknowledged. And the rig is shown to notice when it is not.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    /// <summary>Cuts of an ordinary run on each kind of disk; STREAMS_ROUNDS asks for more.</summary>
    private const int OrdinaryCuts = 2;

    /// <summary>A disk takes some cuts, one after another on the same data, then comes the next: small logs and large ones.</summary>
    private const int CutsOfOneDisk = 5;

    private const int ProducersOfOneRun = 100;

    /// <summary>Bytes of acknowledgements, of about 25 each, after which the cut comes at the earliest and at the latest.</summary>
    private const int Earliest = 200;
    private const int Latest = 80_000;

    /// <summary>Tries in which a disk that loses acknowledged events must be found out.</summary>
    private const int Tries = 5;

    private int _runs;

    [CutDiskTheory]
    [InlineData(DiskCache.None)]
    [InlineData(DiskCache.Volatile)]
    public Task What_was_acknowledged_survives_power_cuts_under_load(DiskCache cache) => Rounds.PlayAsync(async chance =>
    {
        var cuts = Rounds.Or(OrdinaryCuts);
        long acknowledged = 0;
        long cursors = 0;
        for (var done = 0; done < cuts;)
        {
            using var directory = new TemporaryDirectory();
            await using var disk = await CutDisk.CreateAsync(directory, "disk", cache);
            var ledger = new Ledger();
            for (var i = 0; i < CutsOfOneDisk && done < cuts; i++, done++)
            {
                var check = await CutOnceAsync(disk, directory, ledger, chance, "flushed");
                var findings = string.Join('\n', check.Findings);
                Assert.True(findings.Length == 0, $"cut {done + 1}, {ledger.Events} acknowledged:\n{findings}");
            }

            await disk.CheckFileSystemAsync();
            acknowledged += ledger.Events;
            cursors += ledger.Cursors.Count;
        }

        output.WriteLine($"{cuts} cuts, disk with cache {cache}: {acknowledged} events and {cursors} cursors acknowledged, none lost");
    });

    [CutDiskFact]
    public Task Events_that_are_acknowledged_when_written_are_lost_by_a_power_cut_and_the_rig_notices() => Rounds.PlayAsync(async chance =>
    {
        long lost = 0;
        for (var i = 0; i < Tries && lost == 0; i++)
        {
            using var directory = new TemporaryDirectory();
            await using var disk = await CutDisk.CreateAsync(directory, "disk", DiskCache.None);
            var ledger = new Ledger();
            var check = await CutOnceAsync(disk, directory, ledger, chance, "written");

            // Only those: what is flushed beside them is there.
            Assert.True(check.Findings.Count == 0, string.Join('\n', check.Findings));
            lost += check.LostOf(TestStore.Quick);
            output.WriteLine($"{ledger.Events} events acknowledged; {lost} of those that were only written are lost");
        }

        Assert.True(lost > 0, "nothing that was only written was lost: the rig does not cut");
    });

    [CutDiskFact]
    public Task A_disk_that_only_says_that_it_flushed_loses_acknowledged_events_and_the_rig_notices() => Rounds.PlayAsync(async chance =>
    {
        long lost = 0;
        for (var i = 0; i < Tries && lost == 0; i++)
        {
            using var directory = new TemporaryDirectory();
            await using var disk = await CutDisk.CreateAsync(directory, "disk", DiskCache.Volatile);
            var ledger = new Ledger();
            var honest = await CutOnceAsync(disk, directory, ledger, chance, "flushed");
            Assert.True(honest.Findings.Count == 0, string.Join('\n', honest.Findings));

            // The call does not reach the system, and the caller is told that all is well.
            string[] lying =
            [
                ForeignTool.Find("strace"), "-D", "-f", "--seccomp-bpf", "-o", directory.Combine("trace"),
                "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0",
            ];
            var check = await CutOnceAsync(disk, directory, ledger, chance, "flushed", lying);
            lost = check.LostOf(TestStore.Keep);
            output.WriteLine($"{ledger.Events} events acknowledged, {lost} lost: {string.Join("; ", check.Findings)}");
        }

        Assert.True(lost > 0, "flushes that never happened were not missed: the disk's cache is not volatile");
    });

    private async Task<StoreCheck> CutOnceAsync(
        CutDisk disk, TemporaryDirectory directory, Ledger ledger, SeededRandom chance, string durability, string[]? under = null)
    {
        var firstProducer = ++_runs * ProducersOfOneRun;

        // Past the system's cache, where a missing flush shows on a disk with a cache of its own, or through it. What is only written
        // must go through it: past it, it would be on a disk without a cache at once.
        var tailBytes = durability == "written" || chance.Next(2) == 0 ? 0 : 1 << 20;
        var folder = Path.Combine(disk.Root, "container");
        string[] arguments = ["load", folder, Text(tailBytes), Text(firstProducer), durability];
        await using (var writer = WriterProcess.Start(arguments, directory.Combine($"acks-{_runs}"), under))
        {
            // What is flushed comes before what is only written, and is over by then.
            await writer.AcknowledgedAsync(chance.Next(durability == "written" ? Latest / 2 : Earliest, Latest));

            // Process and disk stop at the same moment, as they do in a power failure. Else a flush that is under way while ext4 is being
            // stopped may be answered with yes by the kernel, although it says in its log that data may be lost.
            writer.Pause();
            disk.Cut();
            await writer.KillAsync();
            ledger.Read(writer.Acknowledgements);
            Assert.True(ledger.Runs.Any(run => run.Producer >= firstProducer), $"nothing was acknowledged: {writer.Report}");
        }

        await disk.PowerUpAsync();
        var options = LoadWriter.Options(folder, tailBytes, durability == "written");
        return await StoreCheck.RunAsync(options, ledger, firstProducer + ProducersOfOneRun - 1);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
