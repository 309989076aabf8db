using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>What clients are told to do otherwise: where to go when the server stops, and which keep alive to use.</summary>
public sealed class ElsewhereTests
{
    private static readonly MqttGatewayOptions Referring = new() { ServerReference = "ny.example.net:1883 ldn.example.net:1883" };

    [Fact]
    public async Task A_server_that_stops_names_others()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: Referring);
        MqttPeer peer = await scene.ConnectAsync("v5");
        MqttPeer old = await scene.ConnectAsync("v311", version: MqttVersion.V311);
        Task drained = scene.Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        MqttDisconnectPacket said = await peer.NextAsync<MqttDisconnectPacket>();
        Assert.Equal((MqttReasonCode.UseAnotherServer, Referring.ServerReference), (said.ReasonCode, said.Properties?.ServerReference));
        Assert.True(await old.EndsWithoutAWordAsync());
        await drained;
        MqttPeer late = await scene.ConnectAsync("late");
        Assert.Equal((MqttReasonCode.UseAnotherServer, Referring.ServerReference),
            (late.Connack.ReasonCode, late.Connack.Properties?.ServerReference));
        Assert.Equal(MqttReasonCode.ServerUnavailable, (await scene.ConnectAsync("late", version: MqttVersion.V311)).Connack.ReasonCode);
    }

    [Fact]
    public async Task A_server_that_knows_no_other_only_says_that_it_stops()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("v5");
        await scene.Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        MqttDisconnectPacket said = await peer.NextAsync<MqttDisconnectPacket>();
        Assert.Equal((MqttReasonCode.ServerShuttingDown, null), (said.ReasonCode, said.Properties?.ServerReference));
        MqttPeer late = await scene.ConnectAsync("late");
        Assert.Equal((MqttReasonCode.ServerUnavailable, null), (late.Connack.ReasonCode, late.Connack.Properties?.ServerReference));
    }

    [Fact]
    public async Task Who_is_ended_for_another_reason_is_sent_nowhere()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: Referring);
        MqttPeer older = await scene.ConnectAsync("same");
        await scene.ConnectAsync("same");
        MqttDisconnectPacket said = await older.NextAsync<MqttDisconnectPacket>();
        Assert.Equal((MqttReasonCode.SessionTakenOver, null), (said.ReasonCode, said.Properties?.ServerReference));
    }

    // MQTT-3.2.2-21, MQTT-3.2.2-22, and MQTT-3.1.2-22 with the server's.
    [Theory]
    [InlineData((ushort)0, (ushort)20)]
    [InlineData((ushort)600, (ushort)20)]
    [InlineData((ushort)10, null)]
    public async Task A_keep_alive_longer_than_the_server_allows_is_replaced_and_the_servers_counts(ushort wanted, ushort? told)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxKeepAlive = 20 }, time: time);
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("silent", keepAlive: wanted);
        Assert.Equal(told, peer.Connack.Properties!.ServerKeepAlive);
        double limit = 1.5 * (told ?? wanted);
        Assert.True(await peer.NothingBeforePingAsync<MqttDisconnectPacket>());
        time.Advance(TimeSpan.FromSeconds(limit - 1));
        Assert.Equal(1, scene.Gateway.Status.Sessions);
        Task<MqttReasonCode?> ended = peer.EndAsync();
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return ended.IsCompleted;
            },
            "the silent client is disconnected");
        Assert.Equal(MqttReasonCode.KeepAliveTimeout, await ended);
    }

    [Fact]
    public async Task Clients_of_version_311_keep_theirs()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxKeepAlive = 20 }, time: time);
        MqttPeer peer = await scene.ConnectAsync("old", version: MqttVersion.V311);
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(await peer.NothingBeforePingAsync<MqttDisconnectPacket>());
    }

    [Fact]
    public void Options_out_of_bounds_are_faults()
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => new MqttGatewayOptions
        {
            MaxKeepAlive = 70_000,
            ServerReference = "",
            WillGrace = TimeSpan.FromDays(1),
        }.Validate());
        Assert.Equal(3, fault.Message.Split('\n').Length);
    }
}
