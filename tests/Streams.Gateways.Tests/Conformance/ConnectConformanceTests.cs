using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>CONNECT, CONNACK and wills, statement by statement.</summary>
public sealed class ConnectConformanceTests
{
    private const string Letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    // MQTT-3.1.3-5 (both versions).
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Identifiers_of_up_to_23_letters_and_digits_are_taken(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        for (int length = 1; length <= 23; length++)
        {
            string id = string.Concat(Enumerable.Range(0, length).Select(i => Letters[((length * 7) + i) % Letters.Length]));
            MqttPeer peer = await scene.ConnectAsync(id, version: version);
            Assert.Equal((id, MqttReasonCode.Success), (id, peer.Connack.ReasonCode));
            Assert.Null(peer.Connack.Properties?.AssignedClientIdentifier);
        }
    }

    // MQTT-3.1.3-9, MQTT-3.1.4-5, MQTT-3.2.2-5 (3.1.1); MQTT-3.1.3-8, MQTT-3.1.4-2, MQTT-3.1.4-6, MQTT-3.2.2-7, MQTT-3.14.0-1,
    // MQTT-4.12.0-1 (5).
    [Theory]
    [InlineData(MqttVersion.V311, "id", 2)]
    [InlineData(MqttVersion.V311, "access", 5)]
    [InlineData(MqttVersion.V311, "room", 3)]
    [InlineData(MqttVersion.V5, "id", 0x85)]
    [InlineData(MqttVersion.V5, "access", 0x87)]
    [InlineData(MqttVersion.V5, "room", 0x89)]
    [InlineData(MqttVersion.V5, "method", 0x8C)]
    [InlineData(MqttVersion.V5, "will", 0x90)]
    public async Task Who_is_refused_gets_CONNACK_and_the_end_and_nothing_that_it_sent_is_done(MqttVersion version, string why, int code)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxConnections = 2 });
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("#");
        if (why == "room")
        {
            await scene.ConnectAsync("second");
        }

        scene.Allowed = (action, _, _) => why != "access" || action != AccessAction.Connect;
        string id = why == "id" ? new string('x', 300) : "car";
        byte[] connect = RawPackets.Connect(version, Encoding.UTF8.GetBytes(id), why == "will" ? "$SYS/wills"u8.ToArray() : null);
        connect = why == "method" ? RawPackets.Packet(0x10, RawPackets.Text("MQTT"), [5, 2, 0, 0, 8, 0x15], RawPackets.Text("X-ODD"),
            RawPackets.Text(id)) : connect;
        MqttPeer refused = scene.Dial(version);
        await refused.RawAsync(RawPackets.Join(connect, RawPackets.Subscribe(version, 1, "#"u8.ToArray()),
            RawPackets.Publish(version, 2, "a/b", "unwanted"), [0xC0, 0x00]));
        byte[] connack = Assert.Single(RawPackets.Split(await refused.BytesToEndAsync()));
        Assert.Equal((MqttPacketType.Connack, 0, code), (RawPackets.TypeOf(connack), connack[2], connack[3]));

        scene.Allowed = static (_, _, _) => true;
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        await reader.PublishAsync("a/b", "wanted");
        Assert.Equal("a/b=wanted", await reader.ReceiveAsync());
        Assert.Equal(why == "room" ? 2 : 1, scene.Gateway.Status.Sessions);
    }

    // MQTT-3.2.2-6 (3.1.1): it has no code for a will that cannot be published.
    [Fact]
    public async Task What_3_1_1_has_no_code_for_is_closed_without_CONNACK()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial(MqttVersion.V311);
        await peer.RawAsync(RawPackets.Connect(MqttVersion.V311, "car"u8.ToArray(), "$SYS/wills"u8.ToArray()));
        Assert.Empty(await peer.BytesToEndAsync());
        Assert.Contains(scene.Logs.Entries, e => e.Message.Contains("will: ", StringComparison.Ordinal));
    }

    // MQTT-3.2.0-1 (both versions), MQTT-3.2.0-2, MQTT-4.12.0-6 (5): with messages waiting for the session, and packets behind CONNECT.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task The_first_packet_is_CONNACK_and_comes_once(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer first = await scene.ConnectAsync("car", cleanStart: false, expiry: 600, version: version);
        await first.SubscribeAsync("a/b");
        await first.DisconnectAsync();
        await (await scene.ConnectAsync("writer")).PublishAsync("a/b", "1");

        MqttPeer again = scene.Dial(version);
        byte[] connect = RawPackets.Connect(version, "car"u8.ToArray());
        connect[9] = 0;    // the flags: no clean start
        await again.RawAsync(RawPackets.Join(connect, [0xC0, 0x00], RawPackets.Publish(version, 2, "a/b", "2"), [0xC0, 0x00]));
        MqttConnackPacket connack = await again.NextAsync<MqttConnackPacket>();
        Assert.True(connack.SessionPresent);
        Assert.Equal((null, null), (connack.Properties?.AuthenticationMethod, connack.Properties?.AuthenticationData));
        Assert.Equal(["a/b=1", "a/b=2"], [await again.ReceiveAsync(), await again.ReceiveAsync()]);
        Assert.Equal(MqttPacketType.Connack, again.First);
        Assert.True(await again.NothingBeforePingAsync<MqttConnackPacket>());
        Assert.True(await again.NothingBeforePingAsync<MqttAuthPacket>());
    }

    // MQTT-3.1.2-28.
    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    public async Task Response_information_is_not_sent_to_who_did_not_ask_for_it(bool? asked)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car", more: p => p.RequestResponseInformation = asked);
        Assert.Equal(MqttReasonCode.Success, peer.Connack.ReasonCode);
        Assert.Null(peer.Connack.Properties!.ResponseInformation);
    }

    // MQTT-3.1.2-12 (3.1.1).
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Without_a_will_nothing_is_published(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("#");
        await (await scene.ConnectAsync("silent", version: version)).VanishAsync();
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        MqttPeer rude = scene.Dial(version);
        await rude.ConnectAsync("rude", will: new MqttWill { Topic = "wills/rude", Payload = "gone"u8.ToArray() });
        await rude.VanishAsync();
        Assert.Equal("wills/rude=gone", await reader.ReceiveAsync());
    }

    // MQTT-3.1.2-16 (3.1.1), MQTT-3.1.2-14 (5).
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_will_without_retain_is_not_retained(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        MqttSubscription asPublished = new("wills/#", MqttQos.AtLeastOnce) { RetainAsPublished = true };
        await reader.SendAsync(new MqttSubscribePacket { PacketId = 1, Subscriptions = [asPublished] });
        await reader.NextAsync<MqttSubackPacket>();
        MqttPeer rude = scene.Dial(version);
        await rude.ConnectAsync("rude", will: new MqttWill { Topic = "wills/rude", Payload = "gone"u8.ToArray() });
        await rude.VanishAsync();
        MqttPublishPacket will = await reader.NextMessageAsync();
        Assert.Equal(("wills/rude", false), (will.Topic, will.Retain));
        MqttPeer later = await scene.ConnectAsync("later", version: version);
        await later.SubscribeAsync("wills/#");
        Assert.True(await later.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-3.1.3-10 (5).
    [Fact]
    public async Task User_properties_of_a_will_keep_their_order()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("wills/#");
        MqttPeer rude = scene.Dial();
        MqttProperties properties = new MqttProperties().Add("z", "1").Add("a", "2").Add("z", "0").Add("a", "2");
        await rude.ConnectAsync("rude", will: new MqttWill { Topic = "wills/rude", Properties = properties });
        await rude.VanishAsync();
        MqttPublishPacket will = await reader.NextMessageAsync();
        Assert.Equal([("z", "1"), ("a", "2"), ("z", "0"), ("a", "2")], will.Properties!.UserProperties.Select(p => (p.Name, p.Value)));
    }
}
