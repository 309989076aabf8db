using Streams.EndToEnd.Tests;
using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Faults;

/// <summary>The server's own process loses its disk's power under load of SDK and plain MQTT publishers; everything is judged from
/// outside.</summary>
public sealed class ServerPowerCutTests(ITestOutputHelper output)
{
    private const string Stream = "/fleet";
    private const int OrdinaryCuts = 1;
    private const int PlainPublishers = 3;

    /// <summary>The lanes are read as a whole after each cut, so a disk is taken for so many only.</summary>
    private const int CutsOfOneDisk = 5;

    [CutDiskFact]
    public Task A_server_whose_power_is_cut_has_every_acknowledged_event_at_its_offset_and_goes_on() => Rounds.PlayAsync(async chance =>
    {
        var cuts = Rounds.Or(OrdinaryCuts);
        var acknowledged = 0;
        for (var done = 0; done < cuts; done += CutsOfOneDisk)
        {
            using var directory = new TemporaryDirectory();
            acknowledged += await PlayAsync(directory, Math.Min(CutsOfOneDisk, cuts - done), chance);
        }

        output.WriteLine($"{cuts} cuts, {acknowledged} events acknowledged, none lost");
    });

    private static async Task<int> PlayAsync(TemporaryDirectory directory, int cuts, SeededRandom chance)
    {
        await using var disk = await CutDisk.CreateAsync(directory, "disk", DiskCache.Volatile);
        await using var cluster = new TestCluster(
            new ServerProcessOptions { ClusterName = "sj", DataDirectory = Path.Combine(disk.Root, "sj") });
        await cluster.StartAsync();
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("outbox"), cluster.Endpoint), Stream);
        var ledger = new AckLedger(Stream);
        car.PublishAllTheTime(ledger);
        for (var cut = 0; cut < cuts; cut++)
        {
            await using var plain = await PlainLoad.StartAsync(cluster.Options.MqttPort, Stream, $"cut-{cut}", PlainPublishers, ledger);
            var goal = ledger.Count + chance.Next(20, 3000);
            await Eventually.TrueAsync(
                () => ledger.Count >= goal, $"{goal} events are acknowledged before cut {cut}", TimeSpan.FromSeconds(60),
                () => $"{ledger.Count}; {cluster.Server.Report}");
            cluster.Server.Pause();                           // process and disk stop at the same moment: see PowerCutTests
            disk.Cut();
            await cluster.KillAsync();
            await plain.BrokenAsync();
            await disk.PowerUpAsync();
            await cluster.StartAsync();
            await ledger.VerifyAsync(cluster.Api);
        }

        // The device sends what it still has, and nothing of it twice.
        await car.StopAsync();
        await ledger.VerifyAsync(cluster.Api);
        var events = await cluster.Api.EventsAsync(Stream);
        var texts = events.Select(found => found.Event.Text).ToArray();
        Assert.Equal(car.Everything(), texts.Where(text => text.StartsWith(car.Name + " ", StringComparison.Ordinal)));
        ServerLines.AssertCalm(cluster.Server);
        await cluster.Server.TerminateAsync();
        await disk.CheckFileSystemAsync();
        return ledger.Count;
    }
}
