using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;
using static Streams.Gateways.Tests.SdkPeer;

namespace Streams.Gateways.Tests;

/// <summary>The SDK's protocol, verb by verb (docs/sdk-protocol.md).</summary>
public sealed class SdkVerbTests
{
    private static readonly ProducerId Car = ProducerId.ForName("car-17");

    [Fact]
    public async Task A_producer_says_hello_sends_in_order_and_learns_where_its_events_stand()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        (_, HelloReply? reply) = await peer.HelloAsync(Car);
        Assert.Equal((5u, scene.Container.Origin), (reply!.Correlation, reply.Origin));
        Assert.Empty(Assert.Single(reply.Held).Runs);
        Assert.Equal([(Fleet, StreamSettings.DefaultPartitions)], reply.Streams);
        await peer.ProduceOnlyAsync(Batch(Car, 1, 3));
        await peer.ProduceOnlyAsync(Batch(Car, 4, 2, after: 3));
        Assert.Equal($"1-3@{scene.Container.Origin}:0", await peer.AnswerAsync());
        Assert.Equal($"4-5@{scene.Container.Origin}:3", await peer.AnswerAsync());
        (_, reply) = await peer.HelloAsync(Car, from: 2);
        HeldRun held = Assert.Single(Assert.Single(reply!.Held).Runs);
        Assert.Equal((1L, 5L), (held.Run.First, held.Run.Last));
    }

    [Fact]
    public async Task Refusals_carry_the_codes_that_the_protocol_names()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        Assert.Equal("0x83 OutOfOrder:", await peer.ProduceAsync(Batch(Car, 1, 1)));
        await peer.HelloAsync(Car);
        Assert.StartsWith("1-1@", await peer.ProduceAsync(Batch(Car, 1, 1)), StringComparison.Ordinal);
        Assert.Equal("0x83 OutOfOrder:", await peer.ProduceAsync(Batch(Car, 5, 1, after: 4)));
        MqttPeer newer = await scene.ConnectAsync("car-17-b");
        await newer.HelloAsync(Car);
        Assert.Equal("0x83 OlderSession:", await peer.ProduceAsync(Batch(Car, 2, 1, after: 1)));
        await newer.SdkAsync(ProtocolTopics.Hello, o => o.GetSpan(1)[0] = 0);
        Assert.Equal("0x99 hello:", await newer.AnswerAsync());
        scene.Allowed = (action, _, topic) => action != AccessAction.Publish || topic != "forbidden";
        Assert.Equal("0x87 producing", await newer.ProduceAsync(Batch(Car, 2, 1, topic: "forbidden")));
        Assert.Equal("0x99 subscription", await newer.CommitAsync(9, Cursor.Start));
    }

    [Fact]
    public async Task A_consumer_is_sent_everything_from_its_cursor_on()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 3));
        OpenReply reply = await peer.OpenAsync();
        Assert.Equal((1u, scene.Container.Origin, 4, 4), (reply.Subscription, reply.Origin, reply.Partitions, reply.Cursors.Count));
        Assert.Equal("sj@0:1,2,3", await peer.EventsAsync());
        await peer.ProduceOnlyAsync(Batch(Car, 4, 1, after: 3));
        Assert.Equal("sj@3:4", await peer.EventsAsync());
        Cursor confirmed = Cursor.Start.With(scene.Container.Origin, new Offset(2));
        await peer.AnswerAsync();
        Assert.Equal("", await peer.CommitAsync(1, confirmed));
        Assert.Equal(confirmed, scene.Container.Cursor(ConsumerName.Parse("c"), P0));
        Assert.Equal("", await peer.CloseAsync(1));
        await peer.OpenAsync();
        Assert.Equal("sj@2:3", await peer.EventsAsync());
        Assert.Equal("sj@3:4", await peer.EventsAsync());
    }

    [Fact]
    public async Task The_join_of_both_cursors_counts()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 3));
        Cursor local = Cursor.Start.With(scene.Container.Origin, new Offset(2)).With(Origin.Parse("ny.0000000000000009"), new Offset(40));
        OpenReply reply = await peer.OpenAsync(local: [(P0.Partition, local)]);
        Assert.Equal(local, reply.Cursors[0].Cursor);
        Assert.Equal("sj@2:3", await peer.EventsAsync());
    }

    [Fact]
    public async Task Latest_begins_at_the_heads_and_stays_there_for_the_next_connection()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 3));
        OpenReply reply = await peer.OpenAsync(start: StartPosition.Latest);
        Assert.Equal(new Offset(3), reply.Cursors[0].Cursor[scene.Container.Origin]);
        await peer.CloseAsync(1);
        await peer.ProduceAsync(Batch(Car, 4, 1, after: 3));
        reply = await peer.OpenAsync(start: StartPosition.Latest);
        Assert.Equal(new Offset(3), reply.Cursors[0].Cursor[scene.Container.Origin]);
        Assert.Equal("sj@3:4", await peer.EventsAsync());
    }

    [Fact]
    public async Task Partitions_that_come_while_a_consumer_is_connected_are_told_and_delivered()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 1));
        OpenReply opened = await peer.OpenAsync(start: StartPosition.Latest);
        Assert.Equal(4, opened.Partitions);

        await scene.Container.SetRegisterAsync(Fleet, StreamSettings.RegisterKey, new StreamSettings(6).Write(), default);
        OpenReply grown = OpenReply.Read((await peer.MessageAsync(ProtocolTopics.OpenReply)).ToArray())!;
        Assert.Equal((1u, 6), (grown.Subscription, grown.Partitions));
        Assert.Equal([new PartitionId(4), new PartitionId(5)], grown.Cursors.Select(static c => c.Partition));
        Assert.All(grown.Cursors, static c => Assert.Equal(Cursor.Start, c.Cursor));

        byte[] topic = "t"u8.ToArray();
        await scene.Container.AppendPlainAsync(new StreamPartition(Fleet, new PartitionId(5)),
            new PlainEvent(topic, default, default, "new"u8.ToArray(), 0), default);
        Assert.EndsWith("new", await peer.EventsAsync());
    }

    [Fact]
    public async Task Without_credit_nothing_is_sent()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        for (int i = 1; i <= 5; i++)
        {
            await peer.ProduceAsync(Batch(Car, i, 1, after: i - 1));
        }

        await peer.OpenAsync(credit: 1);
        Assert.Equal("sj@0:1", await peer.EventsAsync());
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
        await peer.GrantAsync(1, 1 << 20);
        for (int i = 1; i < 5; i++)
        {
            Assert.Equal($"sj@{i}:{i + 1}", await peer.EventsAsync());
        }
    }

    [Fact]
    public async Task Filters_choose_and_what_lies_between_is_told()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 2, topic: "noise"));
        await peer.ProduceAsync(Batch(Car, 3, 1, after: 2, topic: "a/b"));
        await peer.OpenAsync(filters: ["a/+"]);
        Delivery advance = await peer.DeliveryAsync();
        Assert.Equal((DeliveryKind.Advance, 0L, 2L), (advance.Kind, advance.From.Value, advance.To.Value));
        Assert.Equal(2, Assert.Single(advance.Covered).Last);
        Assert.Equal("sj@2:3", await peer.EventsAsync());
    }

    [Fact]
    public async Task A_lane_is_sent_again_when_it_is_asked_for()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 3));
        await peer.OpenAsync();
        Assert.Equal("sj@0:1,2,3", await peer.EventsAsync());
        Assert.Equal("", await peer.ResumeAsync(1, scene.Container.Origin, 1));
        Assert.Equal("sj@1:2,3", await peer.EventsAsync());
        Assert.Equal("0x99 sj.0000000000000001:9", await peer.ResumeAsync(1, scene.Container.Origin, 9));
    }

    [Fact]
    public async Task A_closed_lane_is_released_to_who_waits_for_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        Origin lost = Origin.Parse("ny.0000000000000001");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 9, 1), new EventPlace(lost, new Offset(4)));
        await peer.OpenAsync();
        Delivery first = await peer.DeliveryAsync();
        Assert.Equal([new EventPlace(lost, new Offset(4))], first.After.Places.ToArray());
        lock (scene.Exhausted)
        {
            scene.Exhausted.Add(new LaneId(P0, lost));
        }

        Delivery released = await peer.DeliveryAsync();
        Assert.Equal((DeliveryKind.Released, lost, 0L), (released.Kind, released.Origin, released.From.Value));
    }

    [Fact]
    public async Task A_rewind_is_told_and_followed()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 2));
        await peer.OpenAsync();
        Assert.Equal("sj@0:1,2", await peer.EventsAsync());
        Cursor rewound = new(new Generation(1, scene.Container.Origin),
            Cursor.Start.With(scene.Container.Origin, new Offset(1)).Positions, []);
        await scene.Container.CommitAsync(ConsumerName.Parse("c"), P0, rewound, default);
        Delivery told = await peer.DeliveryAsync();
        Assert.Equal((DeliveryKind.Rewound, rewound), (told.Kind, told.Cursor));
        Assert.Equal("sj@1:2", await peer.EventsAsync());
    }

    [Fact]
    public async Task A_stream_not_known_here_is_opened_and_read_once_it_is()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        Assert.Equal(StreamSettings.DefaultPartitions, (await peer.OpenAsync()).Partitions);
        await peer.HelloAsync(Car);
        await peer.ProduceOnlyAsync(Batch(Car, 1, 1));
        Assert.Equal("sj@0:1", await peer.EventsAsync());
    }

    [Fact]
    public async Task Plain_subscribers_are_given_batches_event_by_event_and_in_the_producers_order_across_lanes()
    {
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj");
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny");
        MqttPeer plain = await ny.ConnectAsync("plain");
        await plain.SubscribeAsync("fleet/#");

        // 1 and 2 at sj, then the car moves to ny and sends 3 there; ny has not heard of sj's lane yet.
        MqttPeer car = await sj.ConnectAsync("car-17");
        await car.HelloAsync(Car);
        await car.ProduceAsync(Batch(Car, 1, 2));
        MqttPeer moved = await ny.ConnectAsync("car-17");
        await moved.HelloAsync(Car, from: 3);
        await moved.ProduceAsync(Batch(Car, 3, 1), new EventPlace(sj.Container.Origin, new Offset(1)));
        Assert.True(await plain.NothingBeforePingAsync<MqttPublishPacket>());
        await ny.CopyFromAsync(sj);
        Assert.Equal(["fleet/t=1", "fleet/t=2", "fleet/t=3"],
            [await plain.ReceiveAsync(), await plain.ReceiveAsync(), await plain.ReceiveAsync()]);
    }

    [Fact]
    public async Task Patience_gives_what_waits_and_says_so()
    {
        await using GatewayScene scene =
            await GatewayScene.OpenAsync(options: new MqttGatewayOptions { Patience = TimeSpan.FromMilliseconds(100) });
        MqttPeer plain = await scene.ConnectAsync("plain");
        await plain.SubscribeAsync("fleet/#");
        MqttPeer car = await scene.ConnectAsync("car-17");
        await car.HelloAsync(Car);
        await car.ProduceAsync(Batch(Car, 9, 1), new EventPlace(Origin.Parse("ny.0000000000000001"), new Offset(4)));
        MqttPublishPacket message = await plain.NextMessageAsync();
        Assert.Equal("patience", message.Properties!.FirstUserValue("released"));
        await Eventually.TrueAsync(() =>
            scene.Logs.Entries.Any(e => e.Message.Contains("patience ran out", StringComparison.Ordinal)), "it is logged");
    }

    [Fact]
    public async Task A_consumer_may_not_take_the_name_of_an_MQTT_session()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        Assert.Equal("0x87 consumer", await peer.OpenAnswerAsync("mqtt/reader"));
        await peer.OpenAsync(consumer: "mqtt");
    }
}
