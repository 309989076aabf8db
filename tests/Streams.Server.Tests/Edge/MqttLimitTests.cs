using System.Net.Sockets;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>Limits given on the command line are those that clients meet, over TCP.</summary>
public sealed class MqttLimitTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_is_given_on_the_command_line_reaches_the_clients()
    {
        ServerOptions options = OptionReader.Read(
            ["--mqtt-max-packet", "5000", "--mqtt-receive-maximum", "7", "--mqtt-max-topic-levels", "2", "--mqtt-max-streams", "1"],
            [], _directory.Combine("none.json"), TimeProvider.System);
        await using RunningHost host =
            await RunningHost.StartAsync(RunningHost.OptionsIn(_directory) with { MqttLimits = options.MqttLimits });
        using TcpClient tcp = new();
        await tcp.ConnectAsync(host.Host.Mqtt);
        await using MqttConnection peer = MqttConnection.FromStream(tcp.GetStream(),
            new MqttDecodeOptions { Role = MqttRole.Client, Version = MqttVersion.V5 });
        await peer.WriteAsync(new MqttConnectPacket { Version = MqttVersion.V5, ClientId = "car", CleanStart = true });
        MqttProperties said = (await NextAsync<MqttConnackPacket>(peer)).Properties!;
        Assert.Equal((5000u, (ushort)7), (said.MaximumPacketSize!.Value, said.ReceiveMaximum!.Value));

        Assert.Equal(MqttReasonCode.Success, await PublishAsync(peer, "a/b"));
        Assert.Equal(MqttReasonCode.TopicNameInvalid, await PublishAsync(peer, "a/b/c"));
        Assert.Equal(MqttReasonCode.QuotaExceeded, await PublishAsync(peer, "b/c"));
        Assert.Equal(MqttReasonCode.Success, await PublishAsync(peer, "a/c"));
        await peer.WriteAsync(new MqttPublishPacket { Topic = "a/b", Payload = new(new byte[5000]) });
        Assert.Equal(MqttReasonCode.PacketTooLarge, (await NextAsync<MqttDisconnectPacket>(peer)).ReasonCode);
    }

    private static async Task<MqttReasonCode> PublishAsync(MqttConnection peer, string topic)
    {
        await peer.WriteAsync(new MqttPublishPacket { Topic = topic, Qos = MqttQos.AtLeastOnce, PacketId = 1 });
        return (await NextAsync<MqttPubackPacket>(peer)).ReasonCode;
    }

    private static async Task<T> NextAsync<T>(MqttConnection peer)
        where T : MqttPacket => Assert.IsType<T>(await peer.ReadAsync().AsTask().WaitAsync(Eventually.DefaultLimit));
}
