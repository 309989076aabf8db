using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Wills of mosquitto's clients whose server is killed with kill -9, and where they are sent when it stops.</summary>
public sealed class WillsOfAKilledServerTests
{
    private const int DelaySeconds = 10;

    [Fact]
    public async Task A_delayed_will_outlives_kill_9_and_goes_out_once_and_not_for_a_client_that_is_back()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        var port = cluster.Options.MqttPort;
        await using var reader = Mosquitto.Listen(port, "5", "reader", "wills/#");
        await Mosquitto.SubscribedAsync(reader);
        await using var away = Mosquitto.WithWill(port, "away", DelaySeconds);
        await using var back = Mosquitto.WithWill(port, "back", DelaySeconds);
        await Mosquitto.SubscribedAsync(away);
        await Mosquitto.SubscribedAsync(back);
        await cluster.KillAsync();
        await away.KillAsync();
        await cluster.StartAsync();
        await GivenAsync(reader, "wills/away gone", TimeSpan.FromSeconds(60));

        // Published, removed, and neither comes back.
        await cluster.KillAsync();
        await cluster.StartAsync();
        await Eventually.TrueAsync(
            () => Connects(back) >= 3, "the other client is back again", TimeSpan.FromSeconds(30), () => back.Report);
        await Mosquitto.PublishAsync(port, "wills/mark", ["end"]);
        await GivenAsync(reader, "wills/mark end", TimeSpan.FromSeconds(30));

        // One event; the reader may be given it again, for a kill can come before what it acknowledged is committed.
        var events = await cluster.Api.EventsAsync("/wills");
        Assert.Equal(["away gone", "mark end"], events.Select(static found => $"{found.Event.Topic} {found.Event.Text}").Order());
        Assert.Equal(["wills/away gone", "wills/mark end"], Mosquitto.Messages(reader).Distinct().Order());
        ServerLines.AssertCalm(cluster.Server);
    }

    [Fact]
    public async Task A_server_that_stops_sends_its_clients_to_the_others_that_it_names()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await cluster.StartAsync(options => options with { ExtraArguments = ["--mqtt-reference", "ny.example.net:1883"] });
        await using var client = Mosquitto.ListenOnce(cluster.Options.MqttPort, "fleet/#");
        await Mosquitto.SubscribedAsync(client);
        Assert.Equal(0, await cluster.Server.TerminateAsync(TimeSpan.FromSeconds(15)));

        // 156 is 0x9C, use another server.
        await client.WaitForLineAsync(static line => line == "Received DISCONNECT (156)", "DISCONNECT 0x9C");
    }

    private static int Connects(ForeignTool client) =>
        client.Lines.Count(static line => line.Contains("received CONNACK (0)", StringComparison.Ordinal));

    private static Task GivenAsync(ForeignTool reader, string message, TimeSpan limit) => Eventually.TrueAsync(
        () => Mosquitto.Messages(reader).Contains(message), $"'{message}' is given", limit, () => reader.Report);
}
