using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>kill -9 under load, again and again on the same data: what was acknowledged is there, where it was acknowledged.</summary>
public sealed class KilledServerTests
{
    private const string Stream = "/fleet";

    /// <summary>Rounds of an ordinary run; STREAMS_ROUNDS asks for more.</summary>
    private const int OrdinaryRounds = 3;

    [Fact]
    public Task What_was_acknowledged_survives_kill_9_at_its_offset_round_after_round() => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var one = await Device.OpenAsync(Device.Options("car-1", directory.Combine("1.outbox"), cluster.Endpoint), Stream);
        await using var two = await Device.OpenAsync(Device.Options("car-2", directory.Combine("2.outbox"), cluster.Endpoint), Stream);
        var ledger = new AckLedger(Stream);
        one.PublishAllTheTime(ledger);
        two.PublishAllTheTime(ledger);
        for (var round = 0; round < Rounds.Or(OrdinaryRounds); round++)
        {
            await using var plain = await PlainLoad.StartAsync(cluster.Options.MqttPort, Stream, $"round-{round}", 3, ledger);
            var goal = ledger.Count + chance.Next(200, 3000);
            await Eventually.TrueAsync(
                () => ledger.Count >= goal, $"{goal} events are acknowledged in round {round}", TimeSpan.FromSeconds(60),
                () => $"{ledger.Count}; {cluster.Server.Report}");
            await cluster.KillAsync();
            await plain.BrokenAsync();
            await cluster.StartAsync();
            await ledger.VerifyAsync(cluster.Api);
        }

        await Task.WhenAll(one.StopAsync(), two.StopAsync());
        await ledger.VerifyAsync(cluster.Api);
        await EachOnceAsync(cluster, one, two);
        ServerLines.AssertCalm(cluster.Server);
    });

    /// <summary>With one cluster there is no reason for a second copy: the hello after each restart tells what is held.</summary>
    private static async Task EachOnceAsync(TestCluster cluster, params Device[] devices)
    {
        var events = await cluster.Api.EventsAsync(Stream);
        foreach (var device in devices)
        {
            var texts = events.Select(found => found.Event.Text)
                .Where(text => text.StartsWith(device.Name + " ", StringComparison.Ordinal));
            Assert.Equal(device.Everything(), texts);
        }
    }
}
