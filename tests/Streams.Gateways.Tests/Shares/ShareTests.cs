using System.Buffers;
using System.Globalization;
using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Shared subscriptions (MQTT 5, section 4.8.2) as members see them.</summary>
public sealed class ShareTests
{
    private const string Share = "$share/workers/fleet/#";

    [Fact]
    public async Task Each_message_goes_to_one_member_and_they_take_turns()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer[] workers = [await WorkerAsync(scene, "a"), await WorkerAsync(scene, "b"), await WorkerAsync(scene, "c")];
        await PublishAsync(scene, 1, 9);
        List<string> got = [];
        foreach (MqttPeer worker in workers)
        {
            got.AddRange(await ReceiveAsync(worker, 3));
        }

        Assert.Equal(Messages(1, 9), got.Order());
        Assert.Equal(1, scene.Gateway.Status.Shares);
    }

    // MQTT-4.9.0-2 for each member: who has no room is passed over, and when nobody has, the log is not read.
    [Fact]
    public async Task A_member_whose_window_is_full_does_not_hold_the_others_up()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer stuck = await WorkerAsync(scene, "stuck", receiveMaximum: 2);
        MqttPeer quick = await WorkerAsync(scene, "quick", receiveMaximum: 2);
        await PublishAsync(scene, 1, 30);
        List<string> kept = [await stuck.ReceiveAsync(acknowledge: false), await stuck.ReceiveAsync(acknowledge: false)];
        List<string> got = await ReceiveAsync(quick, 28);
        Assert.Equal(Messages(1, 30), kept.Concat(got).Order(s_byNumber));
        Assert.True(await stuck.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Theory]
    [InlineData("vanish")]
    [InlineData("disconnect")]
    [InlineData("take over")]
    public async Task What_a_member_has_not_acknowledged_goes_to_another_when_its_connection_ends(string how)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer first = await WorkerAsync(scene, "first", expiry: 600, receiveMaximum: 4);
        await PublishAsync(scene, 1, 6);
        Assert.Equal("fleet/a=1", await first.ReceiveAsync());
        for (int i = 2; i <= 5; i++)
        {
            Assert.Equal($"fleet/a={i}", await first.ReceiveAsync(acknowledge: false));
        }

        MqttPeer second = await WorkerAsync(scene, "second");
        Assert.Equal(["fleet/a=6"], await ReceiveAsync(second, 1));
        MqttPeer? newer = null;
        await (how switch
        {
            "vanish" => first.VanishAsync(),
            "disconnect" => first.DisconnectAsync(),
            _ => Task.Run(async () => newer = await scene.ConnectAsync("first")),    // with a clean start: a member no more
        });

        Assert.Equal(Messages(2, 5), await ReceiveAsync(second, 4));
        await PublishAsync(scene, 7, 7);
        Assert.Equal(["fleet/a=7"], await ReceiveAsync(second, 1));
        Assert.True(newer is null || await newer.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-3.10.4-2 and -3: nothing new; what was begun is completed, and goes to nobody else.
    [Fact]
    public async Task A_member_that_unsubscribes_completes_what_it_was_sent()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer going = await WorkerAsync(scene, "going");
        await PublishAsync(scene, 1, 2);
        MqttPublishPacket one = await going.NextMessageAsync();
        MqttPublishPacket two = await going.NextMessageAsync();
        MqttPeer staying = await WorkerAsync(scene, "staying");
        Assert.Equal(MqttReasonCode.Success, await going.UnsubscribeAsync(Share));
        Assert.Equal(MqttReasonCode.NoSubscriptionExisted, await going.UnsubscribeAsync(Share));
        await PublishAsync(scene, 3, 4);
        Assert.Equal(Messages(3, 4), await ReceiveAsync(staying, 2));
        await going.AcknowledgeAsync(one);
        Assert.True(await going.NothingBeforePingAsync<MqttPublishPacket>());

        // The one that it did not acknowledge is owed when its connection ends.
        Assert.Equal("2", Encoding.UTF8.GetString(two.Payload));
        await going.VanishAsync();
        Assert.Equal(["fleet/a=2"], await ReceiveAsync(staying, 1));
    }

    // MQTT-4.8.2-6.
    [Fact]
    public async Task A_message_that_a_member_refuses_is_given_to_nobody_else()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer refusing = await WorkerAsync(scene, "refusing");
        await PublishAsync(scene, 1, 1);
        MqttPublishPacket message = await refusing.NextMessageAsync();
        await refusing.SendAsync(new MqttPubackPacket { PacketId = message.PacketId, ReasonCode = MqttReasonCode.UnspecifiedError });
        MqttPeer other = await WorkerAsync(scene, "other");
        await refusing.VanishAsync();
        await PublishAsync(scene, 2, 2);
        Assert.Equal(["fleet/a=2"], await ReceiveAsync(other, 1));
    }

    // MQTT-4.8.2-3: the lower of published and granted, for each member; and its own identifier (MQTT-3.3.4-3).
    [Fact]
    public async Task A_member_is_given_the_QoS_and_the_identifier_of_its_own_subscription()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer none = await scene.ConnectAsync("none");
        Assert.Equal(MqttReasonCode.Success, await none.SubscribeAsync(Share, MqttQos.AtMostOnce, 7));
        MqttPeer once = await scene.ConnectAsync("once");
        Assert.Equal(MqttReasonCode.GrantedQos1, await once.SubscribeAsync(Share, MqttQos.ExactlyOnce, 8));
        await PublishAsync(scene, 1, 2);
        MqttPublishPacket lower = await none.NextMessageAsync();
        MqttPublishPacket higher = await once.NextMessageAsync();
        Assert.Equal((MqttQos.AtMostOnce, 7u), (lower.Qos, Assert.Single(lower.Properties!.SubscriptionIdentifiers)));
        Assert.Equal((MqttQos.AtLeastOnce, 8u), (higher.Qos, Assert.Single(higher.Properties!.SubscriptionIdentifiers)));
        await once.AcknowledgeAsync(higher);
        MqttPeer writer = await scene.ConnectAsync("writer of QoS 0");
        await writer.PublishAsync("fleet/a", "3", MqttQos.AtMostOnce);
        await none.NextMessageAsync();
        await writer.PublishAsync("fleet/a", "4", MqttQos.AtMostOnce);
        Assert.Equal(MqttQos.AtMostOnce, (await once.NextMessageAsync()).Qos);
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_group_goes_on_behind_what_was_acknowledged_when_its_members_come_back(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        await PublishAsync(scene, 1, 1);
        MqttPeer before = await WorkerAsync(scene, "before", version: version);
        await PublishAsync(scene, 2, 4);
        Assert.Equal("fleet/a=2", await before.ReceiveAsync());
        Assert.Equal("fleet/a=3", await before.ReceiveAsync(acknowledge: false));
        await before.VanishAsync();
        Assert.Equal(0, scene.Gateway.Status.Shares);
        await PublishAsync(scene, 5, 5);
        MqttPeer after = await WorkerAsync(scene, "after", version: version);
        Assert.Equal(Messages(3, 5), await ReceiveAsync(after, 3));
    }

    [Fact]
    public async Task A_group_goes_on_at_another_cluster_also_when_its_own_was_lost_without_a_word()
    {
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj");
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny");
        MqttPeer here = await WorkerAsync(sj, "here");
        await PublishAsync(sj, 1, 4);
        Assert.Equal(["fleet/a=1", "fleet/a=2"], [await here.ReceiveAsync(), await here.ReceiveAsync()]);
        StreamPartition partition = new(StreamPath.Parse("/fleet"), Partitioner.For(default, "a"u8, 4));
        ConsumerName cursor = ConsumerName.Parse("share/workers/fleet/#");
        await Eventually.EqualAsync(2, () => sj.Store.Cursor(cursor, partition)[sj.Container.Origin].Value,
            "the cursor is committed while the member is there");
        await ny.CopyFromAsync(sj);
        MqttPeer there = await WorkerAsync(ny, "there");
        Assert.Equal(Messages(3, 4), await ReceiveAsync(there, 2));
    }

    [Fact]
    public async Task A_group_whose_last_member_unsubscribed_begins_anew()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer worker = await WorkerAsync(scene, "worker");
        await PublishAsync(scene, 1, 1);
        Assert.Equal(["fleet/a=1"], await ReceiveAsync(worker, 1));
        await worker.UnsubscribeAsync(Share);
        await PublishAsync(scene, 2, 2);
        Assert.Equal(MqttReasonCode.GrantedQos1, await worker.SubscribeAsync(Share));
        await PublishAsync(scene, 3, 3);
        Assert.Equal(["fleet/a=3"], await ReceiveAsync(worker, 1));
    }

    [Fact]
    public async Task A_group_is_kept_as_long_as_a_session_that_was_a_member()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer away = await WorkerAsync(scene, "away", expiry: 600);
        MqttPeer worker = await WorkerAsync(scene, "worker");
        await away.DisconnectAsync();
        await worker.UnsubscribeAsync(Share);
        await PublishAsync(scene, 1, 2);
        MqttPeer back = await scene.ConnectAsync("away", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        Assert.Equal(Messages(1, 2), await ReceiveAsync(back, 2));
    }

    [Fact]
    public async Task A_group_without_an_expiry_of_its_own_ends_with_its_last_session()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { ShareExpiry = TimeSpan.Zero });
        await (await WorkerAsync(scene, "before")).VanishAsync();
        await PublishAsync(scene, 1, 1);
        MqttPeer after = await WorkerAsync(scene, "after");
        await PublishAsync(scene, 2, 2);
        Assert.Equal(["fleet/a=2"], await ReceiveAsync(after, 1));
    }

    [Fact]
    public async Task Groups_are_limited_and_one_without_members_takes_no_place()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxShareGroups = 2 });
        MqttPeer peer = await WorkerAsync(scene, "a");
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync("$share/workers/other/#"));
        Assert.Equal(MqttReasonCode.QuotaExceeded, await peer.SubscribeAsync("$share/more/fleet/#"));
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync(Share, MqttQos.AtLeastOnce, 3));
        Assert.Equal((2, 2), (scene.Gateway.Status.Shares, scene.Gateway.Status.Subscriptions));
        await peer.UnsubscribeAsync("$share/workers/other/#");
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync("$share/more/fleet/#"));
        await PublishAsync(scene, 1, 1);
        Assert.Equal(["fleet/a=1", "fleet/a=1"], await ReceiveAsync(peer, 2));     // one of each group
    }

    [Fact]
    public async Task A_kept_session_for_whose_group_there_is_no_place_is_told_so()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxShareGroups = 1 });
        MqttPeer kept = await WorkerAsync(scene, "kept", expiry: 600);
        await kept.DisconnectAsync();
        MqttPeer other = await scene.ConnectAsync("other");
        Assert.Equal(MqttReasonCode.GrantedQos1, await other.SubscribeAsync("$share/more/fleet/#"));
        MqttPeer back = await scene.ConnectAsync("kept", cleanStart: false, expiry: 600);
        Assert.Equal(MqttReasonCode.QuotaExceeded, await back.EndAsync());
        await other.DisconnectAsync();
        await PublishAsync(scene, 1, 1);
        Assert.Equal(["fleet/a=1"], await ReceiveAsync(await scene.ConnectAsync("kept", cleanStart: false, expiry: 600), 1));
    }

    [Fact]
    public async Task A_client_may_come_to_a_group_and_leave_it_as_often_as_it_likes()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer stays = await WorkerAsync(scene, "stays");
        MqttPeer restless = await scene.ConnectAsync("restless");
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(MqttReasonCode.GrantedQos1, await restless.SubscribeAsync(Share));
            Assert.Equal(MqttReasonCode.Success, await restless.UnsubscribeAsync(Share));
        }

        await PublishAsync(scene, 1, 3);
        Assert.Equal(Messages(1, 3), await ReceiveAsync(stays, 3));
        Assert.True(await restless.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-4.8.2-1 and -2: version 5 says so by closing, 3.1.1, to which it is a filter, in SUBACK; MQTT-3.8.3-4.
    [Theory]
    [InlineData("$share/g", false)]
    [InlineData("$share//fleet", false)]
    [InlineData("$share/g+/fleet", false)]
    [InlineData("$share/#/fleet", false)]
    [InlineData("$share/g/", false)]
    [InlineData("$share/g/fleet", true)]
    public async Task What_is_no_shared_subscription_is_refused(string filter, bool noLocal)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("peer");
        await peer.RawAsync(Subscribe(filter, (byte)(noLocal ? 5 : 1), isV5: true));
        Assert.Equal(noLocal ? MqttReasonCode.ProtocolError : MqttReasonCode.TopicFilterInvalid, await peer.EndAsync());
        if (!noLocal && filter.IndexOfAny(['+', '#']) < 0)
        {
            MqttPeer old = await scene.ConnectAsync("old", version: MqttVersion.V311);
            await old.RawAsync(Subscribe(filter, 1, isV5: false));
            MqttSubackPacket answer = await old.NextAsync<MqttSubackPacket>();
            Assert.Equal(MqttReasonCode.UnspecifiedError, Assert.Single(answer.ReasonCodes));
        }

        Assert.Equal(0, scene.Gateway.Status.Shares);
    }

    [Fact]
    public async Task A_kept_session_that_comes_back_is_a_member_again()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer kept = await WorkerAsync(scene, "kept", expiry: 600);
        await kept.DisconnectAsync();
        MqttPeer back = await scene.ConnectAsync("kept", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        await PublishAsync(scene, 1, 2);
        Assert.Equal(Messages(1, 2), await ReceiveAsync(back, 2));
    }

    [Fact]
    public async Task A_plain_filter_of_the_same_client_gives_a_message_once_more()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer both = await WorkerAsync(scene, "both");
        await both.SubscribeAsync("fleet/a", MqttQos.AtLeastOnce, 4);
        await PublishAsync(scene, 1, 1);
        Assert.Equal(["fleet/a=1", "fleet/a=1"], await ReceiveAsync(both, 2));
    }

    // Whoever may have a message gets it; what no member may have is passed over.
    [Fact]
    public async Task A_message_goes_only_to_a_member_that_may_have_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.AllowedTo = static (client, action, topic) => action switch
        {
            AccessAction.Subscribe => client != "nobody",
            AccessAction.Deliver => topic != "secret" && (topic != "a" || client != "guest"),
            _ => true,
        };
        Assert.Equal(MqttReasonCode.NotAuthorized, await (await scene.ConnectAsync("nobody")).SubscribeAsync(Share));
        MqttPeer guest = await WorkerAsync(scene, "guest");
        MqttPeer staff = await WorkerAsync(scene, "staff", receiveMaximum: 1);
        await PublishAsync(scene, 1, 3);
        MqttPeer writer = await scene.ConnectAsync("more");
        await writer.PublishAsync("fleet/secret", "4");
        await writer.PublishAsync("fleet/b", "5");
        Assert.Equal(Messages(1, 3), [await staff.ReceiveAsync(), await staff.ReceiveAsync(), await staff.ReceiveAsync()]);
        Assert.Equal("fleet/b=5", await guest.ReceiveAsync());
        Assert.True(await staff.NothingBeforePingAsync<MqttPublishPacket>());
    }

    // MQTT-3.1.2-24.
    [Fact]
    public async Task A_message_that_is_too_large_for_one_member_goes_to_another()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer narrow = scene.Dial();
        await narrow.ConnectAsync("narrow", maxPacket: 200);
        Assert.Equal(MqttReasonCode.GrantedQos1, await narrow.SubscribeAsync(Share));
        MqttPeer wide = await WorkerAsync(scene, "wide");
        MqttPeer writer = await scene.ConnectAsync("writer");
        string large = new('x', 300);
        await writer.PublishAsync("fleet/a", large);
        await writer.PublishAsync("fleet/a", large);
        await writer.PublishAsync("fleet/a", "small");
        Assert.Equal(["fleet/a=" + large, "fleet/a=" + large], await ReceiveAsync(wide, 2));
        Assert.Equal(["fleet/a=small"], await ReceiveAsync(narrow, 1));
    }

    [Fact]
    public async Task A_group_that_cannot_be_kept_is_refused_and_works_when_it_can()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("peer");
        scene.Store.RegisterFailure = new TryAgainException("not writing");
        Assert.Equal(MqttReasonCode.QuotaExceeded, await peer.SubscribeAsync(Share));
        Assert.Equal(0, scene.Gateway.Status.Subscriptions);
        await Eventually.EqualAsync(0, () => scene.Gateway.Status.Shares, "the group is gone");
        scene.Store.RegisterFailure = null;
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync(Share));
        await PublishAsync(scene, 1, 1);
        Assert.Equal(["fleet/a=1"], await ReceiveAsync(peer, 1));
    }

    // What fails in the one reading ends the sessions of all; nothing that they did not acknowledge is lost.
    [Fact]
    public async Task A_group_that_cannot_be_read_sends_its_members_away()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer one = await WorkerAsync(scene, "one");
        MqttPeer two = await WorkerAsync(scene, "two");
        scene.Store.ReadFailure = new TryAgainException("not reading");
        await PublishAsync(scene, 1, 1);
        Assert.Equal(MqttReasonCode.ServerShuttingDown, await one.EndAsync());
        Assert.Equal(MqttReasonCode.ServerShuttingDown, await two.EndAsync());
        scene.Store.ReadFailure = null;
        Assert.Equal(["fleet/a=1"], await ReceiveAsync(await WorkerAsync(scene, "one"), 1));
    }

    // Streams and partitions that come later are read as well, and a message in another stream waits for nobody.
    [Fact]
    public async Task A_group_reads_streams_that_come_after_it()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer worker = await scene.ConnectAsync("worker");
        Assert.Equal(MqttReasonCode.GrantedQos1, await worker.SubscribeAsync("$share/workers/#"));
        MqttPeer writer = await scene.ConnectAsync("writer");
        await writer.PublishAsync("plants/essen", "1");
        await writer.PublishAsync("ships", "2");
        Assert.Equal(["plants/essen=1", "ships=2"], (await ReceiveAsync(worker, 2)).Order());
    }

    [Fact]
    public void A_name_too_long_for_a_cursor_is_replaced_by_one_that_no_group_can_have()
    {
        Assert.Equal("share/g/a/+", ShareName.Parse("$share/g/a/+")!.CursorName.Value);
        string hashed = ShareName.Parse("$share/g/" + new string('x', 300))!.CursorName.Value;
        Assert.StartsWith("share/#", hashed, StringComparison.Ordinal);
        Assert.Equal(7 + 64, hashed.Length);
        Assert.NotEqual(hashed, ShareName.Parse("$share/h/" + new string('x', 300))!.CursorName.Value);
        Assert.Null(ShareName.Parse("$share/g/a#"));
    }

    private static readonly Comparer<string> s_byNumber = Comparer<string>.Create(
        static (a, b) => int.Parse(a.Split('=')[1], CultureInfo.InvariantCulture)
            .CompareTo(int.Parse(b.Split('=')[1], CultureInfo.InvariantCulture)));

    private static IEnumerable<string> Messages(int first, int last) =>
        Enumerable.Range(first, last - first + 1).Select(static i => $"fleet/a={i}");

    private static async Task<MqttPeer> WorkerAsync(GatewayScene scene, string name, uint expiry = 0, ushort? receiveMaximum = null,
        MqttVersion version = MqttVersion.V5)
    {
        MqttPeer peer = await scene.ConnectAsync(name, expiry: expiry, receiveMaximum: receiveMaximum, version: version);
        Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync(Share));
        return peer;
    }

    private static async Task PublishAsync(GatewayScene scene, int first, int last)
    {
        MqttPeer writer = await scene.ConnectAsync($"writer-{first}");
        for (int i = first; i <= last; i++)
        {
            Assert.Equal(MqttReasonCode.Success, (await writer.PublishAsync("fleet/a", $"{i}"))!.ReasonCode);
        }

        await writer.DisconnectAsync();
    }

    private static async Task<List<string>> ReceiveAsync(MqttPeer peer, int count)
    {
        List<string> got = [];
        for (int i = 0; i < count; i++)
        {
            got.Add(await peer.ReceiveAsync());
        }

        Assert.True(await peer.NothingBeforePingAsync<MqttPublishPacket>());
        return got;
    }

    private static byte[] Subscribe(string filter, byte options, bool isV5)
    {
        byte[] text = Encoding.UTF8.GetBytes(filter);
        byte[] head = isV5 ? [0, 1, 0, 0, (byte)text.Length] : [0, 1, 0, (byte)text.Length];
        byte[] body = [.. head, .. text, options];
        return [0x82, (byte)body.Length, .. body];
    }
}
