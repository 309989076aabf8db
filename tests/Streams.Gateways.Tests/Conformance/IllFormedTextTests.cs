using System.Text;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Text that is no UTF-8, wherever a packet holds text: its connection ends, the others notice nothing.</summary>
public sealed class IllFormedTextTests
{
    // MQTT-3.1.3-4, MQTT-3.1.3-11 and MQTT-3.1.3-12 (5), MQTT-3.1.3-4, MQTT-3.1.3-10 and MQTT-3.1.3-11 (3.1.1).
    [Theory]
    [InlineData(MqttVersion.V5, "client id")]
    [InlineData(MqttVersion.V5, "will topic")]
    [InlineData(MqttVersion.V5, "user name")]
    [InlineData(MqttVersion.V311, "client id")]
    [InlineData(MqttVersion.V311, "will topic")]
    [InlineData(MqttVersion.V311, "user name")]
    public async Task A_CONNECT_with_text_that_is_no_UTF_8_is_refused(MqttVersion version, string field)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer good = await scene.ConnectAsync("good", version: version);
        foreach (byte[] bad in RawPackets.IllFormed)
        {
            MqttPeer peer = scene.Dial(version);
            byte[] connect = RawPackets.Connect(version, field == "client id" ? bad : "car"u8.ToArray(),
                field == "will topic" ? bad : null, field == "user name" ? bad : null);
            await peer.RawAsync(connect);
            byte[] answer = await peer.BytesToEndAsync();
            if (version == MqttVersion.V311)
            {
                Assert.Empty(answer);
            }
            else
            {
                byte[] connack = Assert.Single(RawPackets.Split(answer));
                Assert.Equal((MqttPacketType.Connack, 0, (byte)MqttReasonCode.MalformedPacket),
                    (RawPackets.TypeOf(connack), connack[2], connack[3]));
            }
        }

        Assert.True(await good.NothingBeforePingAsync<MqttPublishPacket>());
        byte[] whole = RawPackets.Connect(version, "car"u8.ToArray(), "wills/größe"u8.ToArray(), "jürgen"u8.ToArray());
        MqttPeer taken = scene.Dial(version);
        await taken.RawAsync(whole);
        Assert.Equal(MqttReasonCode.Success, (await taken.NextAsync<MqttConnackPacket>()).ReasonCode);
    }

    // MQTT-3.8.3-1, MQTT-3.10.3-1 (both versions).
    [Theory]
    [InlineData(MqttVersion.V5, true)]
    [InlineData(MqttVersion.V5, false)]
    [InlineData(MqttVersion.V311, true)]
    [InlineData(MqttVersion.V311, false)]
    public async Task A_filter_that_is_no_UTF_8_ends_the_connection(MqttVersion version, bool subscribes)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer good = await scene.ConnectAsync("good", version: version);
        foreach (byte[] bad in RawPackets.IllFormed)
        {
            MqttPeer peer = await scene.ConnectAsync("bad", version: version);
            await peer.RawAsync(subscribes ? RawPackets.Subscribe(version, 1, bad) : RawPackets.Unsubscribe(version, 1, bad));
            Assert.Equal(version == MqttVersion.V5 ? MqttReasonCode.MalformedPacket : null, await peer.EndAsync());
        }

        Assert.True(await good.NothingBeforePingAsync<MqttPublishPacket>());
        MqttPeer taken = await scene.ConnectAsync("taken", version: version);
        await taken.RawAsync(RawPackets.Subscribe(version, 1, "größe/+"u8.ToArray()));
        Assert.Equal(MqttReasonCode.GrantedQos1, Assert.Single((await taken.NextAsync<MqttSubackPacket>()).ReasonCodes));
    }

    // MQTT-3.3.2-13, MQTT-3.3.2-19.
    [Theory]
    [InlineData(0x08, "response topic")]
    [InlineData(0x03, "content type")]
    public async Task A_property_of_PUBLISH_that_is_no_UTF_8_ends_the_connection(byte property, string what)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("a/b");
        foreach (byte[] bad in RawPackets.IllFormed)
        {
            MqttPeer peer = await scene.ConnectAsync("bad");
            await peer.RawAsync(RawPackets.PublishWith(property, bad));
            Assert.Equal((what, MqttReasonCode.MalformedPacket), (what, await peer.EndAsync()));
        }

        MqttPeer good = await scene.ConnectAsync("good");
        await good.RawAsync(RawPackets.PublishWith(property, "größe"u8.ToArray()));
        MqttPublishPacket message = await reader.NextMessageAsync();
        Assert.Equal("größe", property == 0x08 ? message.Properties!.ResponseTopic : message.Properties!.ContentType);
        Assert.Equal("1", Encoding.UTF8.GetString(message.Payload));
    }
}
