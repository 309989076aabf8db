using System.Globalization;
using System.Net;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A disk without room: publishing is refused, reading goes on, nothing acknowledged is lost, and with room again everything goes
/// on by itself.</summary>
public sealed class FullDiskTests
{
    private const string Stream = "/fleet";

    /// <summary>Kilobytes in an event: a few hundred of them fill what is left.</summary>
    private const int EventKilobytes = 8;

    /// <summary>More than ever fit.</summary>
    private const int MostMessages = 20_000;

    [SmallDiskFact(SmallDiskKind.Ext4)]
    public Task On_a_full_ext4_disk_publishing_is_refused_reading_goes_on_and_with_room_again_so_does_writing()
        => FullAndFreedAsync(SmallDiskKind.Ext4);

    [SmallDiskFact(SmallDiskKind.Memory)]
    public Task On_a_full_disk_in_memory_publishing_is_refused_reading_goes_on_and_with_room_again_so_does_writing()
        => FullAndFreedAsync(SmallDiskKind.Memory);

    [Fact]
    public async Task At_a_limit_on_the_size_of_files_publishing_is_refused_and_without_it_a_restart_has_everything()
    {
        using var directory = new TemporaryDirectory();
        await using var disk = await SmallDisk.CreateAsync(directory, SmallDiskKind.FileLimit);
        await using var cluster = Cluster(disk);
        await cluster.StartAsync(disk.Limit);
        var ledger = new AckLedger(Stream);
        await PublishAsync(cluster, "before", 20, ledger);
        await PublishUntilRefusedAsync(cluster, ledger);
        Assert.Empty(ServerLines.StackTraces(cluster.Server.Lines));
        await RestartAsync(cluster, ledger);
    }

    private static async Task FullAndFreedAsync(SmallDiskKind kind)
    {
        using var directory = new TemporaryDirectory();
        await using var disk = await SmallDisk.CreateAsync(directory, kind);
        await using var cluster = Cluster(disk);
        await cluster.StartAsync();
        var process = cluster.Server.Id;
        var ledger = new AckLedger(Stream);
        await PublishAsync(cluster, "before", 20, ledger);
        for (var times = 1; times <= 2; times++)
        {
            disk.Fill();
            await PublishUntilRefusedAsync(cluster, ledger);
            await RefusesAndReadsAsync(cluster, ledger);
            disk.MakeRoom();
            await Eventually.TrueAsync(
                async () => await cluster.Api.HealthAsync() == HttpStatusCode.OK, "it writes again by itself",
                seen: () => cluster.Server.Report);
            await PublishAsync(cluster, $"after-{times}", 20, ledger);
            await ledger.VerifyAsync(cluster.Api);
            Assert.Contains("\nstreams_writing 1\n", await cluster.Api.TextAsync("metrics"), StringComparison.Ordinal);
        }

        Assert.Equal(process, cluster.Server.Id);
        Assert.False(cluster.Server.HasExited);
        Assert.Contains(cluster.Server.Lines, line => line.Contains("Writing goes on after", StringComparison.Ordinal));
        Assert.Empty(ServerLines.StackTraces(cluster.Server.Lines));
        await cluster.KillAsync();
        await RestartAsync(cluster, ledger);
    }

    private static TestCluster Cluster(SmallDisk disk)
        => new(new ServerProcessOptions { ClusterName = "sj", DataDirectory = disk.DataDirectory });

    /// <summary>What a full disk looks like from outside: a reason that can be tried again, health, a metric, and all that was read before.
    /// </summary>
    private static async Task RefusesAndReadsAsync(TestCluster cluster, AckLedger ledger)
    {
        await using (var publisher = ForeignTool.Start(
            "mosquitto_pub", "-h", "127.0.0.1", "-p", cluster.Options.MqttPort.ToString(CultureInfo.InvariantCulture), "-V", "5", "-q", "1",
            "-t", "fleet/full", "-m", "x", "-d"))
        {
            // 131 is "implementation specific error": not for what was sent, but not now.
            await publisher.WaitForLineAsync(line => line.Contains("received PUBACK (Mid: 1, RC:131)", StringComparison.Ordinal));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await cluster.Api.HealthAsync());
        var health = await cluster.Api.AnswerAsync("health");
        Assert.Contains("\"full\"", health, StringComparison.Ordinal);
        Assert.Contains("the disk is full", health, StringComparison.Ordinal);
        Assert.Contains("\nstreams_writing 0\n", await cluster.Api.TextAsync("metrics"), StringComparison.Ordinal);
        Assert.Contains(ServerLines.Errors(cluster.Server.Lines), line => line.Contains("The disk is full", StringComparison.Ordinal));
        await ledger.VerifyAsync(cluster.Api);
    }

    private static async Task RestartAsync(TestCluster cluster, AckLedger ledger)
    {
        await cluster.StartAsync();
        await ledger.VerifyAsync(cluster.Api);
        await PublishAsync(cluster, "restarted", 20, ledger);
        await ledger.VerifyAsync(cluster.Api);
        ServerLines.AssertCalm(cluster.Server);
    }

    private static async Task PublishAsync(TestCluster cluster, string name, int count, AckLedger ledger)
    {
        await using var client = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, name, inFlight: 8);
        for (var i = 0; i < count; i++)
        {
            Assert.True(await client.PublishAsync("fleet/" + name, $"{name} {i}"));
            ledger.Kept($"{name} {i}");
        }
    }

    private static async Task PublishUntilRefusedAsync(TestCluster cluster, AckLedger ledger)
    {
        await using var client = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, "full", inFlight: 16);
        var refused = false;
        List<Task> answers = [];
        for (var i = 0; i < MostMessages && !refused && !client.HasEnded; i++)
        {
            var text = $"full {i} " + new string('x', EventKilobytes * 1024);
            answers.Add(NoteAsync(await client.SendAsync("fleet/full", text), text));
        }

        await Eventually.TrueAsync(
            () => refused || client.HasEnded || cluster.Server.HasExited, "the full disk shows", TimeSpan.FromSeconds(60),
            () => $"{ledger.Count} acknowledged; {cluster.Server.Report}");
        await client.DisposeAsync();
        await Task.WhenAll(answers);
        Assert.NotEmpty(ServerLines.Errors(cluster.Server.Lines));

        async Task NoteAsync(Task<bool> answer, string text)
        {
            if (await answer)
            {
                ledger.Kept(text);
            }
            else
            {
                refused = true;
            }
        }
    }
}
