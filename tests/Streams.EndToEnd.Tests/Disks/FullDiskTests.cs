using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A disk without room: publishing is refused, nothing acknowledged is lost, and with room again everything goes on.</summary>
public sealed class FullDiskTests
{
    private const string Stream = "/fleet";

    /// <summary>Kilobytes in an event: a few thousand of them fill what is left.</summary>
    private const int EventKilobytes = 8;

    /// <summary>More than ever fit.</summary>
    private const int MostMessages = 20_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_a_full_disk_publishing_is_refused_and_with_room_again_it_goes_on(bool mayMount)
    {
        using var directory = new TemporaryDirectory();
        await using var disk = await SmallDisk.CreateAsync(directory, mayMount);
        await using var cluster = new TestCluster(new ServerProcessOptions { ClusterName = "sj", DataDirectory = disk.DataDirectory });
        await cluster.StartAsync(disk.Limit);
        var ledger = new AckLedger(Stream);
        await PublishAsync(cluster, "before", 20, ledger);
        disk.Fill();
        await PublishUntilRefusedAsync(cluster, ledger);
        Assert.Empty(ServerLines.StackTraces(cluster.Server.Lines));

        disk.MakeRoom();
        await cluster.StartAsync();
        await ledger.VerifyAsync(cluster.Api);
        await PublishAsync(cluster, "after", 20, ledger);
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
