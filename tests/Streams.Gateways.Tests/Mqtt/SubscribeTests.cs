using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>What plain subscribers are given.</summary>
public sealed class SubscribeTests
{
    [Theory]
    [InlineData("fleet/+/telemetry", "fleet/car-1/telemetry", "fleet/car-1/alarm")]
    [InlineData("fleet/#", "fleet", "fleets/car-1")]
    [InlineData("+/car-1", "fleet/car-1", "fleet/car-1/alarm")]
    [InlineData("#", "anything/at/all", null)]
    [InlineData("+", "x", "x/y")]
    [InlineData("/+", "/x", "x")]
    public async Task Filters_match_as_the_standard_says(string filter, string matching, string? other)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync(filter));
        MqttPeer writer = await scene.ConnectAsync("writer");
        if (other is not null)
        {
            await writer.PublishAsync(other, "no");
        }

        await writer.PublishAsync(matching, "yes");
        Assert.Equal(matching + "=yes", await peer.ReceiveAsync());
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Theory]
    [InlineData("$SYS/#", MqttReasonCode.NotAuthorized)]
    [InlineData("$streams/v1/deliver", MqttReasonCode.NotAuthorized)]
    [InlineData("$share/g/$SYS/#", MqttReasonCode.NotAuthorized)]
    public async Task Filters_on_the_system_are_refused(string filter, MqttReasonCode code)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        Assert.Equal(code, await peer.SubscribeAsync(filter));
    }

    [Fact]
    public async Task Sessions_of_others_are_not_seen_by_who_subscribes_to_everything()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
        await peer.SubscribeAsync("#");
        await (await scene.ConnectAsync("other", cleanStart: false, expiry: 60)).SubscribeAsync("a/#");
        await peer.PublishAsync("a/b", "1");
        Assert.Equal("a/b=1", await peer.ReceiveAsync());
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_subscription_begins_with_what_comes_after_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.PublishAsync("fleet/a", "before");
        await peer.PublishAsync("fleet/b", "before");
        await peer.SubscribeAsync("fleet/a");
        await peer.PublishAsync("fleet/a", "1");
        await peer.PublishAsync("fleet/b", "between");
        await peer.SubscribeAsync("fleet/b");
        await peer.PublishAsync("fleet/b", "2");
        Assert.Equal(["fleet/a=1", "fleet/b=2"], [await peer.ReceiveAsync(), await peer.ReceiveAsync()]);
    }

    [Fact]
    public async Task A_filter_added_behind_a_backlog_gets_nothing_of_the_backlog()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 1);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await reader.SubscribeAsync("fleet/a");
        await writer.PublishAsync("fleet/a", "1");
        MqttPublishPacket first = await reader.NextMessageAsync();    // the window is full: nothing more is decided
        await writer.PublishAsync("fleet/a", "2");
        await writer.PublishAsync("fleet/b", "old");
        await reader.SubscribeAsync("fleet/b");
        await writer.PublishAsync("fleet/b", "new");
        await reader.AcknowledgeAsync(first);
        List<string> got = [await reader.ReceiveAsync(), await reader.ReceiveAsync()];
        Assert.Equal(["fleet/a=2", "fleet/b=new"], got.Order());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task Overlapping_filters_deliver_once_with_the_highest_QoS_and_all_identifiers()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.SubscribeAsync("fleet/#", MqttQos.AtMostOnce, 1);
        await peer.SubscribeAsync("fleet/+", MqttQos.AtLeastOnce, 2);
        await peer.PublishAsync("fleet/a", "1");
        MqttPublishPacket message = await peer.NextMessageAsync();
        Assert.Equal(MqttQos.AtLeastOnce, message.Qos);
        Assert.Equal([1u, 2u], message.Properties!.SubscriptionIdentifiers.Order());
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_message_published_with_QoS_0_is_delivered_with_QoS_0()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1", MqttQos.AtMostOnce);
        Assert.Equal(MqttQos.AtMostOnce, (await peer.NextMessageAsync()).Qos);
    }

    [Fact]
    public async Task A_client_that_wants_no_own_messages_gets_none()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("bridge");
        await peer.SubscribeAsync("fleet/#", noLocal: true);
        await peer.PublishAsync("fleet/a", "mine");
        await (await scene.ConnectAsync("writer")).PublishAsync("fleet/a", "theirs");
        Assert.Equal("fleet/a=theirs", await peer.ReceiveAsync());
    }

    [Fact]
    public async Task What_was_unsubscribed_is_not_delivered_any_more()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1");
        Assert.Equal("fleet/a=1", await peer.ReceiveAsync());
        Assert.Equal(MqttReasonCode.Success, await peer.UnsubscribeAsync("fleet/#"));
        Assert.Equal(MqttReasonCode.NoSubscriptionExisted, await peer.UnsubscribeAsync("fleet/#"));
        await peer.PublishAsync("fleet/a", "2");
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task No_more_messages_are_under_way_than_the_client_takes()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 3);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await reader.SubscribeAsync("fleet/a");
        for (int i = 0; i < 10; i++)
        {
            await writer.PublishAsync("fleet/a", $"{i}");
        }

        List<MqttPublishPacket> got = [await reader.NextMessageAsync(), await reader.NextMessageAsync(), await reader.NextMessageAsync()];
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal($"{i}", Encoding.UTF8.GetString(got[i].Payload));
            await reader.AcknowledgeAsync(got[i]);
            if (i + 3 < 10)
            {
                got.Add(await reader.NextMessageAsync());
            }
        }
    }

    [Fact]
    public async Task Who_may_not_see_an_event_is_not_given_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = (action, _, topic) => action != AccessAction.Deliver || topic != "secret";
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/secret", "1");
        await peer.PublishAsync("fleet/open", "2");
        Assert.Equal("fleet/open=2", await peer.ReceiveAsync());
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_client_has_no_more_filters_than_allowed()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxSubscriptions = 2 });
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.SubscribeAsync("a/1");
        await peer.SubscribeAsync("a/2");
        Assert.Equal(MqttReasonCode.QuotaExceeded, await peer.SubscribeAsync("a/3"));
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync("a/2"));
        Assert.Equal(2, scene.Gateway.Status.Subscriptions);
    }

    [Fact]
    public async Task A_filter_without_own_messages_says_nothing_of_QoS_and_identifiers_of_an_own_message()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("bridge");
        await peer.SubscribeAsync("fleet/#", MqttQos.AtLeastOnce, 1, noLocal: true);
        await peer.SubscribeAsync("fleet/a", MqttQos.AtMostOnce, 2);
        await peer.PublishAsync("fleet/a", "mine");
        MqttPublishPacket own = await peer.NextMessageAsync();
        Assert.Equal((MqttQos.AtMostOnce, 2u), (own.Qos, Assert.Single(own.Properties!.SubscriptionIdentifiers)));
        await (await scene.ConnectAsync("writer")).PublishAsync("fleet/a", "theirs");
        MqttPublishPacket other = await peer.NextMessageAsync();
        Assert.Equal(MqttQos.AtLeastOnce, other.Qos);
        Assert.Equal([1u, 2u], other.Properties!.SubscriptionIdentifiers.Order());
    }

    [Fact]
    public async Task A_SUBSCRIBE_that_cannot_be_kept_leaves_the_filters_as_they_were()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await reader.SubscribeAsync("fleet/a", MqttQos.AtLeastOnce, 1);
        scene.Store.RegisterFailure = new TryAgainException("not writing");
        Assert.Equal(MqttReasonCode.QuotaExceeded, await reader.SubscribeAsync("fleet/a", MqttQos.AtMostOnce, 2));
        Assert.Equal(MqttReasonCode.QuotaExceeded, await reader.SubscribeAsync("fleet/b"));
        scene.Store.RegisterFailure = null;
        await writer.PublishAsync("fleet/b", "unwanted");
        await writer.PublishAsync("fleet/a", "1");
        MqttPublishPacket message = await reader.NextMessageAsync();
        Assert.Equal(("fleet/a", MqttQos.AtLeastOnce, 1u),
            (message.Topic, message.Qos, Assert.Single(message.Properties!.SubscriptionIdentifiers)));
    }

    [Fact]
    public async Task An_UNSUBSCRIBE_that_cannot_be_kept_is_refused_and_the_filter_stays()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await reader.SubscribeAsync("fleet/a");
        scene.Store.RegisterFailure = new TryAgainException("not writing");
        Assert.Equal(MqttReasonCode.ImplementationSpecificError, await reader.UnsubscribeAsync("fleet/a"));
        scene.Store.RegisterFailure = null;
        await writer.PublishAsync("fleet/a", "1");
        Assert.Equal("fleet/a=1", await reader.ReceiveAsync());
        Assert.Equal(MqttReasonCode.Success, await reader.UnsubscribeAsync("fleet/a"));
        await reader.DisconnectAsync();
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await writer.PublishAsync("fleet/a", "2");
        Assert.True(await back.NothingBeforePingAsync<MqttPublishPacket>());
    }
}
