using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>What is retained, and what new subscriptions are sent of it.</summary>
public sealed class RetainedTests
{
    /// <summary>3.1.1: MQTT-3.3.1-5, -6, -8, -9, -12. 5: MQTT-3.3.1-5, -8, -9, -12.</summary>
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_new_subscription_gets_the_last_retained_message_of_each_topic_that_matches(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer", version: version);
        await writer.PublishAsync("fleet/a", "1", retain: true);
        await writer.PublishAsync("fleet/a", "2", retain: true);
        await writer.PublishAsync("fleet/a", "not kept");
        await writer.PublishAsync("fleet/b/x", "3", retain: true);
        await writer.PublishAsync("/fleet", "4", retain: true);
        await writer.PublishAsync("other", "5", retain: true);
        await Check("#", "/fleet=4", "fleet/a=2", "fleet/b/x=3", "other=5");
        await Check("+", "other=5");
        await Check("fleet/+", "fleet/a=2");
        await Check("fleet/b/x", "fleet/b/x=3");
        await Check("+/fleet", "/fleet=4");
        await Check("fleet/c");

        async Task Check(string filter, params string[] retained)
        {
            MqttPeer reader = await scene.ConnectAsync("reader", version: version);
            await reader.SubscribeAsync(filter);
            List<string> given = [];
            foreach (string _ in retained)
            {
                given.Add(await reader.ReceiveFlaggedAsync());
            }

            Assert.Equal(retained.Select(static r => "r:" + r), given.Order(StringComparer.Ordinal));
            Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
            string live = filter.Replace("+", "fleet", StringComparison.Ordinal).Replace("#", "later", StringComparison.Ordinal);
            await writer.PublishAsync(live, "live");
            Assert.Equal(live + "=live", await reader.ReceiveFlaggedAsync());
        }
    }

    /// <summary>3.1.1: MQTT-3.3.1-7: with QoS 0 too the new message takes the place of the old one; it keeps its QoS.</summary>
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_retained_message_of_QoS_0_takes_the_place_of_the_one_before(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer", version: version);
        await writer.PublishAsync("fleet/a", "1", retain: true);
        await writer.PublishAsync("fleet/a", "2", MqttQos.AtMostOnce, retain: true);
        await writer.PublishAsync("fleet/b", "3");
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await reader.SubscribeAsync("fleet/#");
        MqttPublishPacket given = await reader.NextMessageAsync();
        Assert.Equal(("2", MqttQos.AtMostOnce, true), (Encoding.UTF8.GetString(given.Payload), given.Qos, given.Retain));
    }

    /// <summary>3.1.1: MQTT-3.3.1-10, -11. 5: MQTT-3.3.1-6, -7.</summary>
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_retained_message_without_payload_is_delivered_and_removes_what_was_retained(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer", version: version);
        MqttPeer standing = await scene.ConnectAsync("standing", version: version);
        await standing.SubscribeAsync("fleet/#");
        await writer.PublishAsync("fleet/a", "1", retain: true);
        await writer.PublishAsync("fleet/a", "", retain: true);
        Assert.Equal(["fleet/a=1", "fleet/a="], [await standing.ReceiveFlaggedAsync(), await standing.ReceiveFlaggedAsync()]);
        foreach (string filter in (string[])["fleet/#", "fleet/a"])
        {
            MqttPeer reader = await scene.ConnectAsync("reader", version: version);
            await reader.SubscribeAsync(filter);
            await writer.PublishAsync("fleet/a", "2");
            Assert.Equal("fleet/a=2", await reader.ReceiveFlaggedAsync());
        }
    }

    /// <summary>5: MQTT-3.3.1-9, -10, -11, MQTT-3.8.4-4.</summary>
    [Theory]
    [InlineData(MqttRetainHandling.Send, true, true)]
    [InlineData(MqttRetainHandling.SendIfNew, true, false)]
    [InlineData(MqttRetainHandling.DoNotSend, false, false)]
    public async Task Retain_handling_says_when_retained_messages_are_sent(MqttRetainHandling handling, bool first, bool again)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.PublishAsync("fleet/a", "kept", retain: true);
        MqttSubscription wanted = new("fleet/a", MqttQos.AtLeastOnce) { RetainHandling = handling };
        foreach (bool sent in (bool[])[first, again])
        {
            await peer.SubscribeAsync(null, wanted);
            if (sent)
            {
                Assert.Equal("r:fleet/a=kept", await peer.ReceiveFlaggedAsync());
            }

            await peer.PublishAsync("fleet/a", "live");
            Assert.Equal("fleet/a=live", await peer.ReceiveFlaggedAsync());
        }

        await peer.UnsubscribeAsync("fleet/a");
        await peer.SubscribeAsync(null, wanted);
        await peer.PublishAsync("fleet/a", "live");
        Assert.Equal(first ? "r:fleet/a=kept" : "fleet/a=live", await peer.ReceiveFlaggedAsync());
    }

    /// <summary>3.1.1: MQTT-3.8.4-3. 5: MQTT-3.8.4-3, -4.</summary>
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Who_subscribes_again_has_the_new_subscription_only_is_sent_them_again_and_misses_nothing(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await writer.PublishAsync("fleet/a", "kept", retain: true);
        await reader.SubscribeAsync("fleet/#");
        Assert.Equal("r:fleet/a=kept", await reader.ReceiveFlaggedAsync());
        List<string> live = [];
        for (int i = 0; i < 5; i++)
        {
            await writer.PublishAsync("fleet/b", $"{i}");
            await reader.SubscribeAsync("fleet/#", MqttQos.AtMostOnce);
            for (int j = 0; j < 2; j++)
            {
                string given = await reader.ReceiveFlaggedAsync();
                live.AddRange(given.StartsWith("r:", StringComparison.Ordinal) ? [] : [given]);
            }
        }

        Assert.Equal(Enumerable.Range(0, 5).Select(static i => $"fleet/b={i}"), live);
        await writer.PublishAsync("fleet/b", "5");
        Assert.Equal(MqttQos.AtMostOnce, (await reader.NextMessageAsync()).Qos);
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>5: MQTT-3.3.1-12, -13.</summary>
    [Fact]
    public async Task Retain_as_published_keeps_the_flag_of_live_messages()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer as0 = await scene.ConnectAsync("as-0");
        MqttPeer as1 = await scene.ConnectAsync("as-1");
        await as0.SubscribeAsync(null, new MqttSubscription("fleet/#", MqttQos.AtLeastOnce));
        await as1.SubscribeAsync(null, new MqttSubscription("fleet/#", MqttQos.AtLeastOnce) { RetainAsPublished = true });
        await as0.PublishAsync("fleet/a", "1", retain: true);
        await as0.PublishAsync("fleet/a", "2");
        Assert.Equal(["fleet/a=1", "fleet/a=2"], [await as0.ReceiveFlaggedAsync(), await as0.ReceiveFlaggedAsync()]);
        Assert.Equal(["r:fleet/a=1", "fleet/a=2"], [await as1.ReceiveFlaggedAsync(), await as1.ReceiveFlaggedAsync()]);
    }

    [Fact]
    public async Task Each_subscription_is_sent_its_own_with_its_QoS_identifier_and_the_properties_of_the_message()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        MqttProperties properties = new MqttProperties { ContentType = "text/plain" }.Add("unit", "km/h");
        await peer.PublishAsync("fleet/a", "1", properties: properties, retain: true);
        await peer.SubscribeAsync(new MqttProperties().AddSubscription(7), new MqttSubscription("fleet/#", MqttQos.AtMostOnce));
        await peer.SubscribeAsync(new MqttProperties().AddSubscription(8), new MqttSubscription("fleet/a", MqttQos.AtLeastOnce));
        foreach ((uint identifier, MqttQos qos) in ((uint, MqttQos)[])[(7, MqttQos.AtMostOnce), (8, MqttQos.AtLeastOnce)])
        {
            MqttPublishPacket given = await peer.NextMessageAsync();
            Assert.Equal((qos, true, "text/plain"), (given.Qos, given.Retain, given.Properties!.ContentType));
            Assert.Equal([identifier], given.Properties.SubscriptionIdentifiers);
            Assert.Equal(["unit=km/h"], given.Properties.UserProperties.Select(static p => $"{p.Name}={p.Value}"));
        }
    }

    [Fact]
    public async Task A_retained_message_names_its_place_like_any_other()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.PublishAsync("fleet/a", "0");
        await peer.PublishAsync("fleet/a", "1", retain: true);
        await peer.SubscribeAsync("fleet/a");
        string partition = Partitioner.For(default, "a"u8, 4).ToString();
        Assert.Equal(["/fleet", partition, "sj.0000000000000001", "1"],
            (await peer.NextMessageAsync()).Properties!.UserProperties.Select(static p => p.Value));
    }

    /// <summary>5: MQTT-3.3.4-9: no more are under way than the client takes, and the walk goes on as there is room.</summary>
    [Fact]
    public async Task Retained_messages_count_in_the_receive_maximum_and_come_once_each_over_many_pages_and_streams()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        List<string> topics = [];
        for (int i = 0; i < 300; i++)
        {
            topics.Add($"s{i % 3}/{i}");
            await writer.PublishAsync(topics[i], "", retain: true);
            await writer.PublishAsync(topics[i], $"{i}", retain: true);
        }

        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 2);
        await reader.SubscribeAsync("#");
        Queue<MqttPublishPacket> unacknowledged = new([await reader.NextMessageAsync(), await reader.NextMessageAsync()]);
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        List<string> given = [];
        while (given.Count < 300)
        {
            MqttPublishPacket oldest = unacknowledged.Dequeue();
            Assert.True(oldest.Retain);
            given.Add(oldest.Topic);
            await reader.AcknowledgeAsync(oldest);
            if (given.Count + unacknowledged.Count < 300)
            {
                unacknowledged.Enqueue(await reader.NextMessageAsync());
            }
        }

        Assert.Equal(topics.Order(StringComparer.Ordinal), given.Order(StringComparer.Ordinal));
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task What_is_newer_comes_behind_what_is_retained_and_what_is_retained_meanwhile_comes_once()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < 5; i++)
        {
            await writer.PublishAsync($"fleet/{i}", "old", retain: true);
        }

        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 1);
        await reader.SubscribeAsync("fleet/#");
        MqttPublishPacket first = await reader.NextMessageAsync();
        for (int i = 0; i < 4; i++)
        {
            await writer.PublishAsync($"fleet/{i}", "new");
        }

        await writer.PublishAsync("fleet/4", "new", retain: true);
        await writer.PublishAsync("fleet/5", "new", retain: true);
        await reader.AcknowledgeAsync(first);
        List<string> given = [$"r:{first.Topic}=old"];
        while (given.Count < 10)
        {
            given.Add(await reader.ReceiveFlaggedAsync());
        }

        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        Assert.Equal(Enumerable.Range(0, 4).Select(static i => $"r:fleet/{i}=old"), given.Take(4));
        Assert.Equal(Enumerable.Range(0, 6).Select(static i => $"fleet/{i}=new"), given.Skip(4).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_many_retained_messages_each_comes_before_what_is_newer_and_other_streams_do_not_wait()
    {
        const int Count = 3000;    // many turns of the loop
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < Count; i++)
        {
            await writer.PublishAsync($"fleet/{i}", "kept", MqttQos.AtMostOnce, retain: true);
        }

        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 1);
        await reader.SubscribeAsync("alarms/#");
        await writer.PublishAsync("alarms/1", "fire");
        await writer.PublishAsync("alarms/1", "fire again");
        MqttPublishPacket first = await reader.NextMessageAsync();    // the window is full: nothing goes out
        await reader.SubscribeAsync("fleet/#", MqttQos.AtMostOnce);
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        await writer.PublishAsync($"fleet/{Count - 1}", "newer");
        await reader.AcknowledgeAsync(first);
        List<string> given = [];
        while (given.Count < Count + 2)
        {
            given.Add(await reader.ReceiveFlaggedAsync());
        }

        Assert.InRange(given.IndexOf("alarms/1=fire again"), 1, Count - 1);
        Assert.Equal($"fleet/{Count - 1}=newer", given[^1]);
        Assert.Equal(Count + 2, given.Distinct().Count());
    }

    [Fact]
    public async Task Acknowledging_a_retained_message_moves_no_cursor_and_the_session_goes_on_where_it_was()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        await writer.PublishAsync("fleet/a", "kept", retain: true);
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/a");
        Assert.Equal("r:fleet/a=kept", await reader.ReceiveFlaggedAsync());
        await reader.DisconnectAsync();
        StreamPartition partition = new(StreamPath.Parse("/fleet"), Partitioner.For(default, "a"u8, 4));
        Assert.Empty(scene.Container.Cursor(ConsumerName.Parse("mqtt/reader"), partition).Positions);
        await writer.PublishAsync("fleet/a", "live");
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        Assert.Equal("fleet/a=live", await back.ReceiveFlaggedAsync());
        Assert.True(await back.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_kept_session_that_was_cut_off_is_sent_what_it_is_owed_when_it_comes_back()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < 3; i++)
        {
            await writer.PublishAsync($"fleet/{i}", "kept", retain: true);
        }

        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600, receiveMaximum: 2);
        await reader.SubscribeAsync("fleet/#");
        await reader.ReceiveAsync();
        await reader.ReceiveAsync(acknowledge: false);
        await reader.VanishAsync();
        await writer.PublishAsync("fleet/1", "live");
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        List<string> given = [];
        while (given.Count < 4)
        {
            given.Add(await back.ReceiveFlaggedAsync());
        }

        Assert.Equal(["r:fleet/0=kept", "r:fleet/1=kept", "r:fleet/2=kept"], given.Take(3).Order(StringComparer.Ordinal));
        Assert.Equal("fleet/1=live", given[3]);
        await back.DisconnectAsync();
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.True(again.Connack.SessionPresent);
        Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_session_that_moves_to_another_cluster_is_sent_there_what_it_is_owed_and_then_what_followed()
    {
        await using GatewayScene sj = await GatewayScene.OpenAsync();
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny");
        MqttPeer reader = await sj.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.PublishAsync("fleet/a", "kept", retain: true);
        await reader.PublishAsync("fleet/b", "kept", retain: true);
        await reader.SubscribeAsync("fleet/#");
        await reader.ReceiveAsync(acknowledge: false);
        await reader.PublishAsync("fleet/a", "live");
        await reader.VanishAsync();
        await ny.CopyFromAsync(sj);
        MqttPeer moved = await ny.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.True(moved.Connack.SessionPresent);
        string[] given = [await moved.ReceiveFlaggedAsync(), await moved.ReceiveFlaggedAsync(), await moved.ReceiveFlaggedAsync()];
        Assert.Equal(["r:fleet/a=kept", "r:fleet/b=kept", "fleet/a=live"], [.. given.Take(2).Order(StringComparer.Ordinal), given[2]]);
        Assert.True(await moved.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task What_is_owed_stands_in_the_record_until_it_is_acknowledged()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.PublishAsync("fleet/a", "kept", retain: true);
        await reader.SubscribeAsync("fleet/#");
        MqttPublishPacket given = await reader.NextMessageAsync();
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        Assert.True(IsOwed());
        await reader.AcknowledgeAsync(given);
        await Eventually.TrueAsync(async () => await reader.NothingBeforePingAsync<MqttPublishPacket>() && !IsOwed(), "it is written");

        bool IsOwed() => SessionRecordFormat.Read(
            scene.Container.Register(SessionRecord.Stream, SessionRecord.Key("reader"))!.Value.Value)!
            .Subscriptions.Find("fleet/#")!.RetainedOwedFrom is not null;
    }

    [Fact]
    public async Task A_subscription_that_could_not_be_written_is_sent_nothing()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.PublishAsync("fleet/a", "kept", retain: true);
        scene.Store.RegisterFailure = new StorageFailedException("the disk is gone");
        Assert.Equal(MqttReasonCode.QuotaExceeded, await reader.SubscribeAsync("fleet/#"));
        scene.Store.RegisterFailure = null;
        await reader.SubscribeAsync("other/#");
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task What_is_unsubscribed_is_sent_no_more_retained_messages_and_holds_nothing_up()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < 3; i++)
        {
            await writer.PublishAsync($"fleet/{i}", "kept", retain: true);
        }

        MqttPeer reader = await scene.ConnectAsync("reader", receiveMaximum: 1);
        await reader.SubscribeAsync(null,
            new MqttSubscription("fleet/0", MqttQos.AtLeastOnce) { RetainHandling = MqttRetainHandling.DoNotSend });
        await reader.SubscribeAsync("fleet/#");
        MqttPublishPacket first = await reader.NextMessageAsync();
        await reader.UnsubscribeAsync("fleet/#");
        await writer.PublishAsync("fleet/0", "live");
        await reader.AcknowledgeAsync(first);
        Assert.Equal("fleet/0=live", await reader.ReceiveFlaggedAsync());
    }

    /// <summary>5: MQTT-3.8.3-3 is of messages, however they come.</summary>
    [Fact]
    public async Task Own_retained_messages_are_left_out_with_No_Local_and_so_is_what_may_not_be_delivered()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, topic) => action != AccessAction.Deliver || topic != "secret";
        MqttPeer writer = await scene.ConnectAsync("writer");
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("marks/own", noLocal: true);
        await reader.PublishAsync("fleet/own", "1", retain: true);
        await writer.PublishAsync("fleet/secret", "2", retain: true);
        await writer.PublishAsync("fleet/other", "3", retain: true);
        await reader.SubscribeAsync("fleet/#", noLocal: true);
        Assert.Equal("r:fleet/other=3", await reader.ReceiveFlaggedAsync());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>3.1.1: MQTT-3.1.2-7, -16, -17. 5: MQTT-3.1.2-14, -15.</summary>
    [Theory]
    [InlineData(MqttVersion.V5, true)]
    [InlineData(MqttVersion.V5, false)]
    [InlineData(MqttVersion.V311, true)]
    [InlineData(MqttVersion.V311, false)]
    public async Task A_will_is_retained_when_it_says_so_and_outlives_its_session(MqttVersion version, bool retain)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer standing = await scene.ConnectAsync("standing", version: version);
        await standing.SubscribeAsync("wills/#");
        MqttPeer silent = scene.Dial(version);
        await silent.ConnectAsync("silent", will: new MqttWill { Topic = "wills/silent", Payload = "gone"u8.ToArray(),
            Qos = MqttQos.AtLeastOnce, Retain = retain });
        await silent.VanishAsync();
        Assert.Equal("wills/silent=gone", await standing.ReceiveFlaggedAsync());
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        await reader.SubscribeAsync("wills/#");
        if (retain)
        {
            Assert.Equal("r:wills/silent=gone", await reader.ReceiveFlaggedAsync());
        }

        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }
}
