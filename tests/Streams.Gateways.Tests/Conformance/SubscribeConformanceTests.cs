using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>SUBSCRIBE and UNSUBSCRIBE, statement by statement.</summary>
public sealed class SubscribeConformanceTests
{
    // MQTT-3.8.4-3 (both versions): the new QoS and identifier count, there is one delivery, and nothing in between is lost.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task The_same_filter_again_replaces_the_subscription_and_loses_nothing(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        ushort? window = version == MqttVersion.V5 ? 1 : null;
        MqttPeer reader = await scene.ConnectAsync("reader", version: version, receiveMaximum: window);
        bool isV5 = version == MqttVersion.V5;
        await reader.SubscribeAsync("fleet/+", MqttQos.AtLeastOnce, isV5 ? 1u : 0);
        await writer.PublishAsync("fleet/a", "1");
        MqttPublishPacket first = await reader.NextMessageAsync();
        await writer.PublishAsync("fleet/a", "2");    // in MQTT 5 the window is full: this one waits while the filter is replaced
        await reader.SubscribeAsync("fleet/+", MqttQos.AtMostOnce, isV5 ? 2u : 0);
        await writer.PublishAsync("fleet/a", "3");
        await reader.AcknowledgeAsync(first);
        Assert.Equal("fleet/a=2", await reader.ReceiveAsync());
        MqttPublishPacket third = await reader.NextMessageAsync();
        Assert.Equal(("3", MqttQos.AtMostOnce), (Encoding.UTF8.GetString(third.Payload), third.Qos));
        Assert.Equal(isV5 ? [2u] : [], third.Properties?.SubscriptionIdentifiers ?? []);
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        Assert.Equal(1, scene.Gateway.Status.Subscriptions);
    }

    // MQTT-3.8.4-4 (3.1.1), MQTT-3.8.4-5 (5): also where one of them is refused, and where one stands twice.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Many_filters_in_one_SUBSCRIBE_are_as_many_requests_with_one_answer(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, topic) => action != AccessAction.Subscribe || topic != "closed";
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await reader.SendAsync(new MqttSubscribePacket
        {
            PacketId = 77,
            Subscriptions =
            [
                new MqttSubscription("a/1", MqttQos.AtLeastOnce), new MqttSubscription("a/closed", MqttQos.AtLeastOnce),
                new MqttSubscription("a/2", MqttQos.AtMostOnce), new MqttSubscription("a/1", MqttQos.AtMostOnce),
            ],
        });
        MqttSubackPacket suback = await reader.NextAsync<MqttSubackPacket>();
        MqttReasonCode no = version == MqttVersion.V5 ? MqttReasonCode.NotAuthorized : MqttReasonCode.UnspecifiedError;
        Assert.Equal(77, suback.PacketId);
        Assert.Equal([MqttReasonCode.GrantedQos1, no, MqttReasonCode.Success, MqttReasonCode.Success], suback.ReasonCodes);
        Assert.Equal(2, scene.Gateway.Status.Subscriptions);
        MqttPeer writer = await scene.ConnectAsync("writer");
        foreach (string topic in new[] { "a/closed", "a/1", "a/2" })
        {
            await writer.PublishAsync(topic, "x");
        }

        List<MqttPublishPacket> got = [await reader.NextMessageAsync(), await reader.NextMessageAsync()];
        Assert.Equal(["a/1", "a/2"], got.Select(static m => m.Topic).Order());
        Assert.All(got, static m => Assert.Equal(MqttQos.AtMostOnce, m.Qos));
        Assert.True(await reader.NothingBeforePingAsync<MqttSubackPacket>());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-3.10.4-6 (both versions).
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Many_filters_in_one_UNSUBSCRIBE_are_as_many_requests_with_one_answer(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        foreach (string filter in new[] { "a/1", "a/2", "a/3" })
        {
            await reader.SubscribeAsync(filter);
        }

        await reader.SendAsync(new MqttUnsubscribePacket { PacketId = 77, Filters = ["a/1", "a/+", "a/3"] });
        MqttUnsubackPacket unsuback = await reader.NextAsync<MqttUnsubackPacket>();
        Assert.Equal(77, unsuback.PacketId);
        Assert.Equal(version == MqttVersion.V5
            ? [MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted, MqttReasonCode.Success] : [], unsuback.ReasonCodes);
        Assert.Equal(1, scene.Gateway.Status.Subscriptions);
        MqttPeer writer = await scene.ConnectAsync("writer");
        foreach (string topic in new[] { "a/1", "a/3", "a/2" })
        {
            await writer.PublishAsync(topic, "x");
        }

        Assert.Equal("a/2=x", await reader.ReceiveAsync());
        Assert.True(await reader.NothingBeforePingAsync<MqttUnsubackPacket>());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-3.10.4-3 (both versions): its acknowledgement is taken, and makes room in the window.
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_message_that_is_under_way_is_completed_after_UNSUBSCRIBE(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { InFlightV311 = 1 });
        ushort? window = version == MqttVersion.V5 ? 1 : null;
        MqttPeer reader = await scene.ConnectAsync("reader", version: version, receiveMaximum: window);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await reader.SubscribeAsync("a/1");
        await reader.SubscribeAsync("a/2");
        await writer.PublishAsync("a/1", "under way");
        MqttPublishPacket message = await reader.NextMessageAsync();
        await reader.SendAsync(new MqttUnsubscribePacket { PacketId = 9, Filters = ["a/1"] });
        await reader.NextAsync<MqttUnsubackPacket>();
        await writer.PublishAsync("a/2", "next");
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        await reader.AcknowledgeAsync(message);
        Assert.Equal("a/2=next", await reader.ReceiveAsync());
    }
}
