using System.Globalization;
using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Where subscriptions begin that say so.</summary>
public sealed class StartTests
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");

    [Theory]
    [InlineData(null, 5)]
    [InlineData("latest", 5)]
    [InlineData("earliest", 0)]
    [InlineData("offset:0", 0)]
    [InlineData("offset:3", 3)]
    [InlineData("offset:7", 7)]
    [InlineData("time:2001-01-01", 0)]
    [InlineData("time:2999-01-01T00:00:00Z", 5)]
    [InlineData("cursor:billing", 2)]
    public async Task A_new_subscription_begins_where_the_client_says(string? word, int first)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await PublishAsync(peer, 0, 5);
        await scene.Container.CommitAsync(ConsumerName.Parse("billing"), Partition, At(scene, 2), default);
        Assert.Equal([MqttReasonCode.GrantedQos1], (await SubscribeAsync(peer, word, "fleet/a")).ReasonCodes);
        await PublishAsync(peer, 5, 8);
        for (int i = first; i < 8; i++)
        {
            Assert.Equal($"fleet/a={i}", await peer.ReceiveAsync());
        }
    }

    [Fact]
    public async Task A_time_is_found_by_when_the_lane_was_appended_to()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await PublishAsync(peer, 0, 3);
        DateTimeOffset between = TimeProvider.System.GetUtcNow();
        await Eventually.TrueAsync(() => TimeProvider.System.GetUtcNow() > between, "time passes");
        between = TimeProvider.System.GetUtcNow();
        await Eventually.TrueAsync(() => TimeProvider.System.GetUtcNow() > between, "time passes");
        await PublishAsync(peer, 3, 5);
        string word = "time:" + between.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
        await SubscribeAsync(peer, word, "fleet/#");
        Assert.Equal(["fleet/a=3", "fleet/a=4"], [await peer.ReceiveAsync(), await peer.ReceiveAsync()]);
    }

    [Theory]
    [InlineData("soon", "must be 'latest', 'earliest'")]
    [InlineData("cursor:nobody", "no cursor 'nobody' is known here")]
    public async Task A_start_that_is_none_is_refused_and_costs_nothing_else(string word, string reason)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await PublishAsync(peer, 0, 1);
        await peer.SubscribeAsync("other/#");
        MqttSubackPacket suback = await SubscribeAsync(peer, word, "fleet/a", "fleet/b");
        Assert.Equal([MqttReasonCode.ImplementationSpecificError, MqttReasonCode.ImplementationSpecificError], suback.ReasonCodes);
        Assert.Contains(reason, suback.Properties!.ReasonString, StringComparison.Ordinal);
        Assert.Equal(1, scene.Gateway.Status.Subscriptions);
        await PublishAsync(peer, 1, 2);
        await peer.PublishAsync("other/x", "1");
        Assert.Equal("other/x=1", await peer.ReceiveAsync());
    }

    [Fact]
    public async Task Filters_of_one_SUBSCRIBE_begin_together_and_a_later_one_cannot_go_back()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await PublishAsync(peer, 0, 2);
        await peer.PublishAsync("fleet/b", "b");
        Assert.Equal([MqttReasonCode.GrantedQos1, MqttReasonCode.GrantedQos1],
            (await SubscribeAsync(peer, "earliest", "fleet/a", "fleet/b")).ReasonCodes);
        string[] given = [await peer.ReceiveAsync(), await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        Assert.Equal(["fleet/a=0", "fleet/a=1", "fleet/b=b"], given.Order(StringComparer.Ordinal));
        MqttSubackPacket late = await SubscribeAsync(peer, "earliest", "fleet/#", "new/#");
        Assert.Equal([MqttReasonCode.ImplementationSpecificError, MqttReasonCode.GrantedQos1], late.ReasonCodes);
        Assert.Contains("reads /fleet already", late.Properties!.ReasonString, StringComparison.Ordinal);

        // The same filter again is no new subscription: it goes on.
        Assert.Equal([MqttReasonCode.GrantedQos1], (await SubscribeAsync(peer, "earliest", "fleet/a")).ReasonCodes);
        await PublishAsync(peer, 2, 3);
        Assert.Equal("fleet/a=2", await peer.ReceiveAsync());
    }

    [Fact]
    public async Task A_stream_that_the_session_reads_can_be_begun_ahead_of_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await PublishAsync(peer, 0, 2);
        await SubscribeAsync(peer, null, "fleet/other");
        await SubscribeAsync(peer, "offset:4", "fleet/a");
        await PublishAsync(peer, 2, 5);
        Assert.Equal("fleet/a=4", await peer.ReceiveAsync());
    }

    [Fact]
    public async Task A_kept_session_that_begins_again_at_the_front_is_not_held_up_by_its_old_cursor()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await PublishAsync(reader, 0, 3);
        for (int i = 0; i < 3; i++)
        {
            await reader.ReceiveAsync();
        }

        await reader.DisconnectAsync();
        MqttPeer anew = await scene.ConnectAsync("reader", cleanStart: true, expiry: 600);
        await SubscribeAsync(anew, "earliest", "fleet/#");
        Assert.Equal("fleet/a=0", await anew.ReceiveAsync());
        Assert.Equal("fleet/a=1", await anew.ReceiveAsync());
        await anew.ReceiveAsync(acknowledge: false);
        await anew.DisconnectAsync();
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.Equal("fleet/a=2", await back.ReceiveAsync());
        Assert.True(await back.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>What a subscription was given that ended is no reason to leave anything out of the next one.</summary>
    [Theory]
    [InlineData(MqttQos.AtLeastOnce)]
    [InlineData(MqttQos.ExactlyOnce)]
    public async Task A_subscription_that_begins_again_at_the_front_is_given_also_what_was_acknowledged_out_of_order(MqttQos qos)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader", expiry: 600);
        await SubscribeAsync(peer, "earliest", qos, "fleet/#");
        for (ushort i = 0; i < 3; i++)
        {
            await peer.SendAsync(new MqttPublishPacket { Topic = "fleet/a", Payload = new("0123456789"u8.ToArray().AsMemory(i, 1)),
                Qos = qos, PacketId = (ushort)(100 + i) });
        }

        List<ushort> ids = [];
        for (int i = 0; i < 3; i++)
        {
            ids.Add((await peer.NextMessageAsync()).PacketId);
        }

        foreach (ushort id in ids[1..])
        {
            await CompleteAsync(peer, qos, id);
        }

        await peer.UnsubscribeAsync("fleet/#");
        await CompleteAsync(peer, qos, ids[0]);
        await SubscribeAsync(peer, "earliest", qos, "fleet/#");
        for (int i = 0; i < 3; i++)
        {
            MqttPublishPacket again = await peer.NextMessageAsync();
            Assert.Equal($"{i}", Encoding.UTF8.GetString(again.Payload));
            await CompleteAsync(peer, qos, again.PacketId);
        }

        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_kept_message_that_the_subscription_is_given_anyway_does_not_come_twice()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("reader");
        await peer.PublishAsync("fleet/a", "0", retain: true);
        await PublishAsync(peer, 1, 2);
        await SubscribeAsync(peer, "earliest", "fleet/#");
        Assert.Equal(["fleet/a=0", "fleet/a=1"], [await peer.ReceiveFlaggedAsync(), await peer.ReceiveFlaggedAsync()]);
        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    private static StreamPartition Partition => new(Fleet, Partitioner.For(default, "a"u8, 4));

    private static Cursor At(GatewayScene scene, long offset) => Cursor.Start.With(scene.Container.Origin, new Offset(offset));

    private static async Task PublishAsync(MqttPeer peer, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            await peer.PublishAsync("fleet/a", $"{i}");
        }
    }

    private static async Task CompleteAsync(MqttPeer peer, MqttQos qos, ushort id)
    {
        if (qos == MqttQos.AtLeastOnce)
        {
            await peer.SendAsync(new MqttPubackPacket { PacketId = id });
            return;
        }

        await peer.SendAsync(new MqttPubrecPacket { PacketId = id });
        await peer.NextAsync<MqttPubrelPacket>();
        await peer.SendAsync(new MqttPubcompPacket { PacketId = id });
    }

    private static Task<MqttSubackPacket> SubscribeAsync(MqttPeer peer, string? word, params string[] filters) =>
        SubscribeAsync(peer, word, MqttQos.AtLeastOnce, filters);

    private static Task<MqttSubackPacket> SubscribeAsync(MqttPeer peer, string? word, MqttQos qos, params string[] filters) =>
        peer.SubscribeAsync(word is null ? null : new MqttProperties().Add("start", word),
            [.. filters.Select(f => new MqttSubscription(f, qos))]);
}
