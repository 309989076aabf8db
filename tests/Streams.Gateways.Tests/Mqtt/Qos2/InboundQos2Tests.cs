using System.Buffers;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>What clients publish with QoS 2, over the wire and over a log on disk.</summary>
public sealed class InboundQos2Tests
{
    /// <summary>MQTT-4.3.3-2 (3.1.1), MQTT-4.3.3-8 to 4.3.3-12 (5).</summary>
    [Theory]
    [InlineData(MqttVersion.V311, 0u)]
    [InlineData(MqttVersion.V5, 0u)]
    [InlineData(MqttVersion.V5, 60u)]
    public async Task A_message_is_an_event_once_however_often_it_is_sent(MqttVersion version, uint expiry)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("fleet/#");
        MqttPeer peer = await scene.ConnectAsync("car", expiry: expiry, version: version);
        for (int i = 0; i < 3; i++)
        {
            await peer.SendAsync(Message(7, "a", duplicate: i > 0));
            Assert.Equal((7, MqttReasonCode.Success), await NextAsync<MqttPubrecPacket>(peer));
        }

        await peer.SendAsync(new MqttPubrelPacket { PacketId = 7 });
        Assert.Equal((7, MqttReasonCode.Success), await NextAsync<MqttPubcompPacket>(peer));
        await peer.SendAsync(Message(7, "b"));
        await NextAsync<MqttPubrecPacket>(peer);
        Assert.Equal("fleet/x=a", await reader.ReceiveAsync());
        Assert.Equal("fleet/x=b", await reader.ReceiveAsync());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>A session that is kept has its identifiers in the log: also without its gateway, and for a connection of another
    /// version.</summary>
    [Fact]
    public async Task What_a_kept_session_has_received_is_known_to_its_next_connection()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        await peer.SendAsync(Message(7, "a"));
        await NextAsync<MqttPubrecPacket>(peer);
        await peer.VanishAsync();

        MqttPeer again = await scene.ConnectAsync("car", cleanStart: false, version: MqttVersion.V311);
        Assert.True(again.Connack.SessionPresent);
        await again.SendAsync(Message(7, "a", duplicate: true));
        await NextAsync<MqttPubrecPacket>(again);
        await again.SendAsync(Message(7, "a"));
        await NextAsync<MqttPubrecPacket>(again);
        Assert.Equal(1, Events(scene));
        await again.SendAsync(new MqttPubrelPacket { PacketId = 7 });
        await NextAsync<MqttPubcompPacket>(again);
        Assert.Empty(Marked(scene, "car"));
        await again.SendAsync(Message(7, "b"));
        await NextAsync<MqttPubrecPacket>(again);
        Assert.Equal(2, Events(scene));
    }

    /// <summary>The append of the first connection is under way when the second one repeats: the writer sees both.</summary>
    [Fact]
    public async Task A_repeat_over_another_connection_while_the_first_is_under_way_makes_no_second_event()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        await peer.SendAsync(Message(1, "first"));
        await NextAsync<MqttPubrecPacket>(peer);
        for (ushort id = 2; id < 40; id++)
        {
            await peer.SendAsync(Message(id, $"{id}"));
        }

        MqttPeer again = await scene.ConnectAsync("car", cleanStart: false, expiry: 60);
        for (ushort id = 2; id < 40; id++)
        {
            await again.SendAsync(Message(id, $"{id}", duplicate: true));
            Assert.Equal((id, MqttReasonCode.Success), await NextAsync<MqttPubrecPacket>(again));
        }

        Assert.Equal(39, Events(scene));
        Assert.Equal(39, Marked(scene, "car").Length);
    }

    /// <summary>MQTT-4.1.0-1, MQTT-3.1.2-4: a session that begins anew has no state.</summary>
    [Fact]
    public async Task A_session_that_begins_clean_has_received_nothing()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        await peer.SendAsync(Message(7, "a"));
        await NextAsync<MqttPubrecPacket>(peer);
        await peer.DisconnectAsync();
        MqttPeer again = await scene.ConnectAsync("car", cleanStart: true, expiry: 60);
        await again.SendAsync(new MqttPubrelPacket { PacketId = 7 });
        Assert.Equal((7, MqttReasonCode.PacketIdentifierNotFound), await NextAsync<MqttPubcompPacket>(again));
        await again.SendAsync(Message(7, "b", duplicate: true));
        await NextAsync<MqttPubrecPacket>(again);
        Assert.Equal(2, Events(scene));

        await again.SendAsync(new MqttDisconnectPacket { Properties = new MqttProperties { SessionExpiryInterval = 0 } });
        await again.EndAsync();
        Assert.True(scene.Container.Register(SessionRecord.Stream, "qos2/car") is { Value.IsEmpty: true });
    }

    /// <summary>MQTT-4.3.3-11 (5): PUBCOMP for every PUBREL; 3.1.1 has no code to say that it was not expected.</summary>
    [Theory]
    [InlineData(MqttVersion.V311, 0x00)]
    [InlineData(MqttVersion.V5, 0x92)]
    public async Task A_PUBREL_for_an_unknown_identifier_is_answered(MqttVersion version, int code)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", version: version);
        await peer.SendAsync(new MqttPubrelPacket { PacketId = 9 });
        Assert.Equal((9, (MqttReasonCode)code), await NextAsync<MqttPubcompPacket>(peer));
        await peer.PublishAsync("fleet/x", "alive");
    }

    /// <summary>MQTT-4.6.0-3; PUBCOMP in the order of PUBREL.</summary>
    [Fact]
    public async Task PUBREC_comes_in_the_order_of_PUBLISH_and_PUBCOMP_in_that_of_PUBREL()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        ushort[] ids = [9, 3, 500, 1, 70, 2];
        foreach (ushort id in ids)
        {
            await peer.SendAsync(new MqttPublishPacket { Topic = id == 500 ? "$no/where" : $"s{id}/x", Qos = MqttQos.ExactlyOnce,
                PacketId = id });
        }

        foreach (ushort id in ids)
        {
            Assert.Equal(id, (await NextAsync<MqttPubrecPacket>(peer)).Id);
        }

        foreach (ushort id in ids.Reverse())
        {
            await peer.SendAsync(new MqttPubrelPacket { PacketId = id });
        }

        foreach (ushort id in ids.Reverse())
        {
            Assert.Equal((id, id == 500 ? MqttReasonCode.PacketIdentifierNotFound : MqttReasonCode.Success),
                await NextAsync<MqttPubcompPacket>(peer));
        }
    }

    /// <summary>MQTT-3.3.5-2, MQTT-4.3.3-9 (5): a refusal is a PUBREC of 0x80 or more, and frees the identifier.</summary>
    [Fact]
    public async Task A_refused_message_frees_its_identifier()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (_, stream, _) => stream.Value != "/closed";
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        await peer.SendAsync(new MqttPublishPacket { Topic = "closed/x", Qos = MqttQos.ExactlyOnce, PacketId = 4 });
        Assert.Equal((4, MqttReasonCode.NotAuthorized), await NextAsync<MqttPubrecPacket>(peer));
        MqttPublishPacket tooMuch = new() { Topic = "fleet/x", Qos = MqttQos.ExactlyOnce, PacketId = 4,
            Payload = new ReadOnlySequence<byte>(new byte[(1 << 20) + 1]) };
        await peer.SendAsync(tooMuch);
        Assert.Equal((4, MqttReasonCode.QuotaExceeded), await NextAsync<MqttPubrecPacket>(peer));
        Assert.Empty(Marked(scene, "car"));
        await peer.SendAsync(Message(4, "good"));
        Assert.Equal((4, MqttReasonCode.Success), await NextAsync<MqttPubrecPacket>(peer));
        Assert.Equal(1, Events(scene));
        await peer.SendAsync(new MqttPublishPacket { Topic = "$streams/v1/hello", Qos = MqttQos.ExactlyOnce, PacketId = 5 });
        Assert.Equal((5, MqttReasonCode.ImplementationSpecificError), await NextAsync<MqttPubrecPacket>(peer));
    }

    /// <summary>MQTT-3.3.4-8 and the receive maximum of section 4.9: an identifier counts until PUBCOMP.</summary>
    [Fact]
    public async Task More_than_the_receive_maximum_ends_the_connection_and_repeats_do_not_count()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { ReceiveMaximum = 3 });
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        for (ushort id = 1; id <= 3; id++)
        {
            await peer.SendAsync(Message(id, "x"));
            await NextAsync<MqttPubrecPacket>(peer);
        }

        await peer.SendAsync(Message(3, "x", duplicate: true));
        await NextAsync<MqttPubrecPacket>(peer);
        await peer.SendAsync(new MqttPubrelPacket { PacketId = 1 });
        await NextAsync<MqttPubcompPacket>(peer);
        await peer.SendAsync(Message(4, "x"));
        await NextAsync<MqttPubrecPacket>(peer);
        await peer.SendAsync(Message(5, "x"));
        Assert.Equal(MqttReasonCode.ReceiveMaximumExceeded, await peer.EndAsync());
        Assert.Equal([2, 3, 4], Marked(scene, "car"));
    }

    /// <summary>What a cluster heard of an identifier may be old: the client has let go of it at another cluster meanwhile.</summary>
    [Fact]
    public async Task At_another_cluster_a_repeat_is_known_and_a_new_message_is_not_lost_to_an_old_mark()
    {
        await using GatewayScene here = await GatewayScene.OpenAsync("sj");
        await using GatewayScene there = await GatewayScene.OpenAsync("fr");
        MqttPeer peer = await here.ConnectAsync("car", expiry: 60);
        await peer.SendAsync(Message(1, "a"));
        await peer.SendAsync(Message(2, "b"));
        await NextAsync<MqttPubrecPacket>(peer);
        await NextAsync<MqttPubrecPacket>(peer);
        await there.CopyFromAsync(here);
        await peer.SendAsync(new MqttPubrelPacket { PacketId = 2 });
        await NextAsync<MqttPubcompPacket>(peer);
        await peer.VanishAsync();                     // what let go of 2 does not come over

        MqttPeer moved = await there.ConnectAsync("car", cleanStart: false, expiry: 60);
        Assert.True(moved.Connack.SessionPresent);
        await moved.SendAsync(Message(1, "a", duplicate: true));
        await NextAsync<MqttPubrecPacket>(moved);
        await moved.SendAsync(Message(2, "c"));
        await NextAsync<MqttPubrecPacket>(moved);
        Assert.Equal(3, Events(there));
    }

    /// <summary>A will with QoS 2 is an event like any other (MQTT-3.1.2-12 in 5: Maximum QoS is not announced).</summary>
    [Fact]
    public async Task A_will_with_QoS_2_is_published()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("fleet/#");
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car", will: new MqttWill { Topic = "fleet/x", Payload = "gone"u8.ToArray(), Qos = MqttQos.ExactlyOnce });
        await peer.VanishAsync();
        Assert.Equal("fleet/x=gone", await reader.ReceiveAsync());
    }

    /// <summary>Nobody knows what became of the message: no answer would be true, so there is none.</summary>
    [Fact]
    public async Task When_nobody_knows_whether_it_was_taken_the_connection_ends_without_an_answer()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        scene.Store.AppendFailure = new StorageFailedException("the disk refused");
        await peer.SendAsync(Message(1, "a"));
        Assert.Equal(MqttReasonCode.ServerShuttingDown, await peer.EndAsync());
        scene.Store.AppendFailure = null;
        MqttPeer again = await scene.ConnectAsync("car", cleanStart: false, expiry: 60);
        await again.SendAsync(Message(1, "a", duplicate: true));
        Assert.Equal((1, MqttReasonCode.Success), await NextAsync<MqttPubrecPacket>(again));
        Assert.Equal(1, Events(scene));
    }

    private static MqttPublishPacket Message(ushort id, string payload, bool duplicate = false) => new()
    {
        Topic = "fleet/x",
        Payload = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(payload)),
        Qos = MqttQos.ExactlyOnce,
        PacketId = id,
        Duplicate = duplicate,
    };

    private static async Task<(int Id, MqttReasonCode Code)> NextAsync<T>(MqttPeer peer)
        where T : MqttPublishReply
    {
        T reply = await peer.NextAsync<T>();
        return (reply.PacketId, reply.ReasonCode);
    }

    private static long Events(GatewayScene scene) => scene.Container.Lanes()
        .Where(l => l.Lane.Partition.Stream.Value == "/fleet").Sum(l => l.NextOffset.Value);

    private static int[] Marked(GatewayScene scene, string client)
    {
        ReadOnlyMemory<byte> value = scene.Container.Register(SessionRecord.Stream, "qos2/" + client)?.Value ?? default;
        ReadOnlyMemory<byte> session = scene.Container.Register(SessionRecord.Stream, "session/" + client)!.Value.Value;
        return [.. MarkedNumbers.Of(SessionRecordFormat.Read(session)!.Producer, value).Numbers.ToArray().Select(n => (int)n)];
    }
}
