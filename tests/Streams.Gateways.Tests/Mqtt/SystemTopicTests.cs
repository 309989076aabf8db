using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Topics that begin with <c>$</c> are the server's (section 4.7.2): clients are told so, and stay connected where the version
/// has a way to tell.</summary>
public sealed class SystemTopicTests
{
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Filters_on_them_are_refused_and_the_others_of_the_packet_granted(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("monitor", version: version);
        string[] filters = ["$SYS/#", "a/b", "$other/x", "$", "$SYS/+/load"];
        await peer.SendAsync(new MqttSubscribePacket
        {
            PacketId = 1,
            Subscriptions = [.. filters.Select(static f => new MqttSubscription(f, MqttQos.AtLeastOnce))],
        });
        MqttSubackPacket suback = await peer.NextAsync<MqttSubackPacket>();
        MqttReasonCode no = version == MqttVersion.V5 ? MqttReasonCode.NotAuthorized : MqttReasonCode.UnspecifiedError;
        Assert.Equal([no, MqttReasonCode.GrantedQos1, no, no, no], suback.ReasonCodes);
        Assert.Equal(version == MqttVersion.V5 ? "topics that begin with '$' belong to the system" : null,
            suback.Properties?.ReasonString);
        await peer.SendAsync(new MqttUnsubscribePacket { PacketId = 2, Filters = ["$SYS/#"] });
        await peer.NextAsync<MqttUnsubackPacket>();
        await peer.PublishAsync("a/b", "1");
        Assert.Equal("a/b=1", await peer.ReceiveAsync());
    }

    [Theory]
    [InlineData(MqttVersion.V5, "$SYS/load")]
    [InlineData(MqttVersion.V5, "$other/x")]
    [InlineData(MqttVersion.V311, "$other/x")]
    public async Task Messages_on_them_are_not_taken(MqttVersion version, string topic)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", version: version);
        await peer.SubscribeAsync("#");
        await peer.PublishAsync(topic, "lost", MqttQos.AtMostOnce);
        await peer.PublishAsync("a/b", "1");
        Assert.Equal("a/b=1", await peer.ReceiveAsync());
        Assert.Contains(scene.Logs.Entries, e => e.Message.Contains(topic, StringComparison.Ordinal));
        ushort id = await peer.PublishOnlyAsync(topic, [1]);
        if (version == MqttVersion.V311)
        {
            Assert.True(await peer.EndsWithoutAWordAsync());
        }
        else
        {
            Assert.Equal(MqttReasonCode.TopicNameInvalid, (await peer.PubackAsync(id)).ReasonCode);
        }

        Assert.All(scene.Container.Streams, s => Assert.Equal("/a", s.Value));
    }
}
