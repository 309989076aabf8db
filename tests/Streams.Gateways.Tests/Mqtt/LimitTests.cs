using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Who goes over a limit is told so with the standard's code and a reason, and the others notice nothing.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Connections_over_the_limit_are_refused_and_many_more_closed_without_a_word(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxConnections = 2 });
        MqttPeer first = await scene.ConnectAsync("first", version: version);
        MqttPeer second = await scene.ConnectAsync("second", version: version);
        MqttPeer third = await scene.ConnectAsync("third", version: version);
        Assert.Equal(version == MqttVersion.V5 ? MqttReasonCode.ServerBusy : MqttReasonCode.ServerUnavailable, third.Connack.ReasonCode);
        Assert.Equal(version == MqttVersion.V5, third.Connack.Properties?.ReasonString == "2 connections are open");
        await third.EndAsync();

        MqttPeer[] idle = [.. Enumerable.Range(0, 256).Select(_ => scene.Dial(version))];
        MqttPeer tooMany = scene.Dial(version);
        Assert.Empty(await tooMany.BytesToEndAsync());
        await Served(first, second);
        foreach (MqttPeer peer in idle)
        {
            await peer.VanishAsync();
        }

        await second.DisconnectAsync();
        Assert.Equal(MqttReasonCode.Success, (await scene.ConnectAsync("fourth", version: version)).Connack.ReasonCode);
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_packet_that_is_too_large_ends_its_connection(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxPacketBytes = 4096 });
        MqttPeer large = await scene.ConnectAsync("large", version: version);
        MqttPeer other = await scene.ConnectAsync("other", version: version);
        Assert.Equal(version == MqttVersion.V5 ? 4096u : null, large.Connack.Properties?.MaximumPacketSize);
        await large.PublishAsync("a/b", new string('x', 4000));
        await large.PublishOnlyAsync("a/b", new byte[4096]);
        Assert.Equal(version == MqttVersion.V5 ? MqttReasonCode.PacketTooLarge : null, await large.EndAsync());
        await Served(other);
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Filters_over_the_limit_are_refused_one_by_one(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxSubscriptions = 2 });
        MqttPeer greedy = await scene.ConnectAsync("greedy", version: version);
        MqttPeer other = await scene.ConnectAsync("other", version: version);
        MqttSubscription[] four = [.. Enumerable.Range(0, 4).Select(static i => new MqttSubscription($"a/{i}", MqttQos.AtLeastOnce))];
        await greedy.SendAsync(new MqttSubscribePacket { PacketId = 1, Subscriptions = four });
        MqttSubackPacket suback = await greedy.NextAsync<MqttSubackPacket>();
        MqttReasonCode no = version == MqttVersion.V5 ? MqttReasonCode.QuotaExceeded : MqttReasonCode.UnspecifiedError;
        Assert.Equal([MqttReasonCode.GrantedQos1, MqttReasonCode.GrantedQos1, no, no], suback.ReasonCodes);
        Assert.Equal(version == MqttVersion.V5 ? "at most 2 filters are taken" : null, suback.Properties?.ReasonString);
        await Served(other, greedy);
        Assert.Equal(MqttReasonCode.GrantedQos1, await other.SubscribeAsync("b/1"));
    }

    [Theory]
    [InlineData("a/b/c/d", "a topic has at most 3 levels here")]
    [InlineData("größe/0123456789", "a topic has at most 16 bytes here")]
    public async Task Topics_and_filters_that_are_too_long_are_refused(string topic, string reason)
    {
        MqttGatewayOptions options = new() { MaxTopicBytes = 16, MaxTopicLevels = 3 };
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: options);
        MqttPeer peer = await scene.ConnectAsync("long");
        MqttPeer other = await scene.ConnectAsync("other");
        MqttPubackPacket puback = (await peer.PublishAsync(topic, "1"))!;
        Assert.Equal((MqttReasonCode.TopicNameInvalid, reason), (puback.ReasonCode, puback.Properties!.ReasonString));
        await peer.SendAsync(new MqttSubscribePacket { PacketId = 9, Subscriptions = [new MqttSubscription(topic)] });
        MqttSubackPacket suback = await peer.NextAsync<MqttSubackPacket>();
        Assert.Equal((MqttReasonCode.TopicFilterInvalid, reason), (Assert.Single(suback.ReasonCodes), suback.Properties!.ReasonString));
        MqttPeer mortal = scene.Dial();
        await mortal.ConnectAsync("mortal", will: new MqttWill { Topic = topic });
        Assert.Equal((MqttReasonCode.TopicNameInvalid, "will: " + reason),
            (mortal.Connack.ReasonCode, mortal.Connack.Properties!.ReasonString));

        MqttPeer old = await scene.ConnectAsync("old", version: MqttVersion.V311);
        Assert.Equal(MqttReasonCode.UnspecifiedError, await old.SubscribeAsync(topic));
        await old.PublishOnlyAsync(topic, []);
        Assert.True(await old.EndsWithoutAWordAsync());
        await Served(other, peer);
        Assert.Equal(MqttReasonCode.Success, (await peer.PublishAsync("größe/01234567", "1"))!.ReasonCode);
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync("a/+/#"));
    }

    [Fact]
    public async Task A_topic_alias_of_a_topic_that_is_too_long_is_refused_whenever_it_is_used()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxTopicBytes = 16 });
        MqttPeer peer = await scene.ConnectAsync("long");
        foreach (string topic in new[] { new string('x', 60_000), string.Empty })
        {
            MqttPubackPacket puback = (await peer.PublishAsync(topic, "1", properties: new MqttProperties { TopicAlias = 1 }))!;
            Assert.Equal(MqttReasonCode.TopicNameInvalid, puback.ReasonCode);
        }

        await peer.PublishAsync("a/b", "1", properties: new MqttProperties { TopicAlias = 1 });
        MqttPubackPacket again = (await peer.PublishAsync("", "1", properties: new MqttProperties { TopicAlias = 1 }))!;
        Assert.Equal(MqttReasonCode.Success, again.ReasonCode);
    }

    [Theory]
    [InlineData("$share/g/a/b/c", null)]
    [InlineData("$share/g/a/b/c/d", "a topic has at most 3 levels here")]
    [InlineData("a/b/c", null)]
    [InlineData("/a/b", null)]
    [InlineData("///", "a topic has at most 3 levels here")]
    public void The_name_of_a_share_does_not_count(string filter, string? fault) =>
        Assert.Equal(fault, new TopicLimits(16, 3).FaultInFilter(filter));

    [Fact]
    public async Task Who_does_not_say_CONNECT_in_time_is_closed()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time,
            options: new MqttGatewayOptions { ConnectTimeout = TimeSpan.FromSeconds(3) });
        MqttPeer silent = scene.Dial();
        MqttPeer slow = scene.Dial();
        await slow.RawAsync(RawPackets.Connect(MqttVersion.V5, "slow"u8.ToArray())[..^2]);
        MqttPeer other = await scene.ConnectAsync("other");
        time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(3, scene.Gateway.Status.Connections);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Empty(await silent.BytesToEndAsync());
        Assert.Empty(await slow.BytesToEndAsync());
        await Served(other);
    }

    [Theory]
    [InlineData(MqttVersion.V5, 3, 0, 1)]
    [InlineData(MqttVersion.V311, 3, 0, 1)]
    [InlineData(MqttVersion.V5, 0, 1024, 400)]
    public async Task Who_publishes_too_fast_is_not_read_until_the_rate_is_kept(MqttVersion version, int messages, int bytes, int size)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time,
            options: new MqttGatewayOptions { MaxMessagesPerSecond = messages, MaxBytesPerSecond = bytes });
        MqttPeer fast = await scene.ConnectAsync("fast", version: version);
        MqttPeer other = await scene.ConnectAsync("other", version: version);
        for (int i = 0; i < 5; i++)
        {
            await fast.PublishOnlyAsync("a/b", new byte[size]);
        }

        await fast.SendAsync(MqttPingreqPacket.Instance);
        for (ushort id = 1; id <= 3; id++)
        {
            await fast.PubackAsync(id);
        }

        await Eventually.TrueAsync(() => scene.Logs.Entries.Any(e => e.Message.Contains("fast publishes faster", StringComparison.Ordinal)),
            "the client is held back");
        await Served(other);
        Assert.Equal(3 + 1, Events(scene, "/a"));
        Task<MqttPubackPacket> fourth = fast.PubackAsync(4);
        await Eventually.TrueWhileAdvancingAsync(time, TimeSpan.FromMilliseconds(50), () => fourth.IsCompleted, "the fourth is taken");
        await fourth;
        Task<MqttPingrespPacket> pong = fast.NextAsync<MqttPingrespPacket>();
        await Eventually.TrueWhileAdvancingAsync(time, TimeSpan.FromMilliseconds(50), () => pong.IsCompleted, "all is read");
        await fast.PubackAsync(5);
        Assert.Equal(5 + 1, Events(scene, "/a"));
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Who_publishes_too_fast_is_cut_where_that_is_declared(MqttVersion version)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time,
            options: new MqttGatewayOptions { MaxMessagesPerSecond = 3, RateAction = RateAction.Disconnect });
        MqttPeer fast = await scene.ConnectAsync("fast", version: version);
        MqttPeer other = await scene.ConnectAsync("other", version: version);
        for (int i = 0; i < 4; i++)
        {
            await fast.PublishOnlyAsync("a/b", [1]);
        }

        if (version == MqttVersion.V5)
        {
            MqttDisconnectPacket told = await fast.NextAsync<MqttDisconnectPacket>();
            Assert.Equal((MqttReasonCode.MessageRateTooHigh, "at most 3 messages and any number of bytes are taken in a second"),
                (told.ReasonCode, told.Properties!.ReasonString));
        }

        await fast.Served.WaitAsync(Eventually.DefaultLimit);
        await Served(other);
        await Eventually.EqualAsync(3 + 1, () => Events(scene, "/a"), "what came before is kept, and no more");
    }

    [Fact]
    public async Task Topics_make_no_more_streams_than_allowed()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxTopicStreams = 3 });
        MqttPeer first = await scene.ConnectAsync("first");
        MqttPeer other = await scene.ConnectAsync("other");
        await Served(other);
        await scene.Container.EnsureStreamAsync(StreamPath.Parse("/plants/essen"), default);    // not made by a topic
        for (int i = 0; i < 20; i++)
        {
            await first.PublishOnlyAsync($"s{i}/x", [1]);
            await other.PublishOnlyAsync($"t{i}/x", [1]);
        }

        int taken = 0;
        foreach (MqttPeer peer in new[] { first, other })
        {
            for (int i = 0; i < 20; i++)
            {
                MqttPubackPacket puback = await peer.NextAsync<MqttPubackPacket>();
                taken += puback.ReasonCode == MqttReasonCode.Success ? 1 : 0;
                Assert.True(puback.ReasonCode is MqttReasonCode.Success or MqttReasonCode.QuotaExceeded);
                Assert.Equal(puback.ReasonCode != MqttReasonCode.Success,
                    puback.Properties?.ReasonString?.StartsWith("3 streams were made by topics", StringComparison.Ordinal) ?? false);
            }
        }

        Assert.Equal(2, taken);
        Assert.Equal(3, scene.Container.Streams.Count(static s => !s.IsSystem && s.Value.LastIndexOf('/') == 0));
        await Served(first, other);
        Assert.Equal(MqttReasonCode.Success, (await other.PublishAsync("/made/before", "1"))!.ReasonCode);
    }

    private static int Events(GatewayScene scene, string stream) => (int)Enumerable.Range(0, 4).Sum(p =>
        scene.Container.Lanes(new StreamPartition(StreamPath.Parse(stream), new PartitionId(p))).Sum(static l => l.NextOffset.Value));

    private static async Task Served(params MqttPeer[] peers)
    {
        foreach (MqttPeer peer in peers)
        {
            MqttPubackPacket puback = (await peer.PublishAsync("a/b", "still here"))!;
            Assert.Equal(MqttReasonCode.Success, puback.ReasonCode);
        }
    }
}
