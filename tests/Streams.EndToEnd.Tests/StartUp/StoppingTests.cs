using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>SIGTERM: the server finishes what it began and ends with 0, whoever is connected.</summary>
public sealed class StoppingTests
{
    private const string Stream = "/fleet";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_server_told_to_stop_under_load_ends_with_0_and_keeps_what_it_acknowledged()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        var ledger = new AckLedger(Stream);
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("outbox"), cluster.Endpoint), Stream);
        await using var listener = await Listener.OpenAsync(
            Device.Options("back-end", directory.Combine("back-end"), cluster.Endpoint), Stream);
        await using var plain = await PlainLoad.StartAsync(cluster.Options.MqttPort, Stream, "plain", 2, ledger);
        await using var mosquitto = Mosquitto.Listen(cluster.Options.MqttPort, "5", "car-9", "fleet/#");
        car.PublishAllTheTime(ledger);
        await listener.CountAsync(200);
        await Eventually.TrueAsync(
            () => Mosquitto.Messages(mosquitto).Count >= 200, "mosquitto_sub is given events", seen: () => mosquitto.Report);

        Assert.Equal(0, await cluster.Server.TerminateAsync(Limit));
        ServerLines.AssertCalm(cluster.Server);
        await plain.BrokenAsync();
        await cluster.StartAsync();
        await ledger.VerifyAsync(cluster.Api);
        await car.StopAsync();
        await listener.EachOnceInOrderAsync(car);
    }

    [Fact]
    public async Task A_server_is_told_to_stop_while_clients_are_silent_and_half_open()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var silent = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, "silent", inFlight: 1);
        using var halfOpen = new System.Net.Sockets.TcpClient("127.0.0.1", cluster.Options.MqttPort);
        using var half = new System.Net.Sockets.TcpClient("127.0.0.1", cluster.Options.LinkPort);
        Assert.Equal(0, await cluster.Server.TerminateAsync(Limit));
        ServerLines.AssertCalm(cluster.Server);
    }
}
