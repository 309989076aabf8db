using System.IO.Pipelines;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>PUBLISH in both directions and DISCONNECT, statement by statement.</summary>
public sealed class DeliveryConformanceTests
{
    // MQTT-3.3.1-3 (both versions), MQTT-4.3.2-2 (5): the publisher's DUP is not given on, and what is sent first has none.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task What_is_delivered_first_has_no_DUP_whatever_the_publisher_set(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await reader.SubscribeAsync("a/b");
        MqttPeer writer = await scene.ConnectAsync("writer", version: version);
        await writer.RawAsync(RawPackets.Publish(version, 1, "a/b", "1", duplicate: true));
        await writer.PubackAsync(1);
        MqttPublishPacket message = await reader.NextMessageAsync();
        Assert.Equal(("a/b", MqttQos.AtLeastOnce, false), (message.Topic, message.Qos, message.Duplicate));
    }

    // MQTT-4.3.2-5: what comes with an identifier that was answered is a new message, also when it has DUP.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task After_PUBACK_the_identifier_stands_for_a_new_message(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await reader.SubscribeAsync("a/b");
        MqttPeer writer = await scene.ConnectAsync("writer", version: version);
        for (int i = 0; i < 3; i++)
        {
            await writer.RawAsync(RawPackets.Publish(version, 5, "a/b", $"{i}", duplicate: i == 2));
            await writer.PubackAsync(5);
            Assert.Equal($"a/b={i}", await reader.ReceiveAsync());
        }
    }

    // MQTT-4.4.0-2: it makes room in the window and does not come again.
    [Fact]
    public async Task A_PUBACK_that_refuses_acknowledges()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600, receiveMaximum: 1);
        await reader.SubscribeAsync("a/b");
        MqttPeer writer = await scene.ConnectAsync("writer");
        await writer.PublishAsync("a/b", "refused");
        await writer.PublishAsync("a/b", "next");
        MqttPublishPacket refused = await reader.NextMessageAsync();
        await reader.SendAsync(new MqttPubackPacket { PacketId = refused.PacketId, ReasonCode = MqttReasonCode.QuotaExceeded });
        Assert.Equal("a/b=next", await reader.ReceiveAsync());
        await reader.DisconnectAsync();
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.True(again.Connack.SessionPresent);
        await writer.PublishAsync("a/b", "last");
        Assert.Equal("a/b=last", await again.ReceiveAsync());
    }

    // MQTT-3.3.4-7: held to by the server.
    [Fact]
    public async Task More_unanswered_messages_than_announced_end_the_connection()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { ReceiveMaximum = 2 });
        MqttPeer greedy = await scene.ConnectAsync("greedy");
        MqttPeer other = await scene.ConnectAsync("other");
        Assert.Equal((ushort)2, greedy.Connack.Properties!.ReceiveMaximum);
        await other.PublishAsync("a/b", "0");
        scene.Store.HoldAnswers();
        for (int i = 0; i < 3; i++)
        {
            await greedy.PublishOnlyAsync("a/b", "1"u8.ToArray());
        }

        Assert.Equal(MqttReasonCode.ReceiveMaximumExceeded, (await greedy.NextAsync<MqttDisconnectPacket>()).ReasonCode);
        scene.Store.Release();
        await greedy.EndAsync();
        Assert.Equal(MqttReasonCode.Success, (await other.PublishAsync("a/b", "2"))!.ReasonCode);
    }

    // MQTT-4.8.0-2 (3.1.1): 5 has codes for it.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_passing_fault_closes_the_connection_where_no_code_can_tell_it(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", version: version);
        MqttPeer other = await scene.ConnectAsync("other", version: version);
        await other.PublishAsync("a/b", "0");
        scene.Store.AppendFailure = new TryAgainException("not now");
        ushort id = await peer.PublishOnlyAsync("a/b", "1"u8.ToArray());
        if (version == MqttVersion.V311)
        {
            Assert.True(await peer.EndsWithoutAWordAsync());
        }
        else
        {
            Assert.Equal(MqttReasonCode.ImplementationSpecificError, (await peer.PubackAsync(id)).ReasonCode);
        }

        scene.Store.AppendFailure = null;
        Assert.Equal(MqttReasonCode.Success, (await other.PublishAsync("a/b", "2"))!.ReasonCode);
    }

    // MQTT-3.14.4-1: the client takes nothing while the server says goodbye, with messages on their way.
    [Fact]
    public async Task Nothing_follows_DISCONNECT()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(
            options: new MqttGatewayOptions { WriteBufferBytes = 4 << 10, CloseTimeout = TimeSpan.FromSeconds(30) });
        PipeOptions narrow = new(pauseWriterThreshold: 2 << 10, resumeWriterThreshold: 1 << 10, useSynchronizationContext: false);
        MqttPeer reader = await scene.ConnectAsync("reader", toPeer: narrow);
        await reader.SubscribeAsync("a/b", MqttQos.AtMostOnce);
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < 100; i++)
        {
            await writer.PublishAsync("a/b", new string('x', 200));
        }

        Task drained = scene.Gateway.DrainAsync(TimeSpan.FromSeconds(30));
        List<MqttPacketType> kinds = await reader.KindsToEndAsync();
        await drained;
        Assert.Contains(MqttPacketType.Publish, kinds);
        Assert.Equal(kinds.Count - 1, kinds.IndexOf(MqttPacketType.Disconnect));
    }

    // MQTT-3.3.1-9 (3.1.1): sent because a subscription stood already.
    [Fact]
    public async Task A_standing_subscription_of_3_1_1_gets_retained_messages_without_the_flag()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", version: MqttVersion.V311);
        await reader.SubscribeAsync("a/b");
        MqttPeer writer = await scene.ConnectAsync("writer", version: MqttVersion.V311);
        await writer.RawAsync(RawPackets.Packet(0x31, RawPackets.Text("a/b"), "1"u8.ToArray()));
        MqttPublishPacket message = await reader.NextMessageAsync();
        Assert.Equal(("1", false), (Encoding.UTF8.GetString(message.Payload), message.Retain));
    }
}
