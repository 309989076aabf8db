using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>What clients are given with QoS 2, and what is sent again over the next connection, over the wire and over a log on
/// disk.</summary>
public sealed class OutboundQos2Tests
{
    /// <summary>MQTT-4.3.3-1 (3.1.1), MQTT-4.3.3-1 to 4.3.3-7 (5); MQTT-3.8.4-8: the QoS granted is the QoS given.</summary>
    [Theory]
    [InlineData(MqttVersion.V311)]
    [InlineData(MqttVersion.V5)]
    public async Task A_message_with_QoS_2_takes_four_packets_and_holds_its_slot_until_the_last(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxInFlight = 1 });
        MqttPeer reader = await scene.ConnectAsync("reader", version: version);
        Assert.Equal((MqttReasonCode)2, await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce));
        await PublishAsync(scene, "a", "b");
        MqttPublishPacket first = await reader.NextMessageAsync();
        Assert.Equal((MqttQos.ExactlyOnce, false, "a"), (first.Qos, first.Duplicate, Text(first)));
        await reader.SendAsync(new MqttPubrecPacket { PacketId = first.PacketId });
        Assert.Equal(first.PacketId, (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        await reader.SendAsync(new MqttPubcompPacket { PacketId = first.PacketId });
        Assert.Equal("b", Text(await reader.NextMessageAsync()));
    }

    /// <summary>MQTT-3.8.4-8: never more than published with, never more than granted.</summary>
    [Fact]
    public async Task The_lower_of_the_two_promises_counts()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await writer.PublishAsync("fleet/x", "1");
        MqttPublishPacket message = await reader.NextMessageAsync();
        Assert.Equal(MqttQos.AtLeastOnce, message.Qos);
        await reader.AcknowledgeAsync(message);
        await reader.SubscribeAsync("fleet/#", MqttQos.AtLeastOnce);
        await PublishAsync(scene, "2");
        Assert.Equal(MqttQos.AtLeastOnce, (await reader.NextMessageAsync()).Qos);
    }

    /// <summary>MQTT-4.6.0-4 (3.1.1 and 5), MQTT-4.3.3-4: a PUBREC of 0x80 or more ends it without PUBREL.</summary>
    [Fact]
    public async Task PUBREL_comes_in_the_order_of_PUBREC_and_a_refusal_ends_the_message()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60, receiveMaximum: 3);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(scene, "a", "b", "c", "d");
        ushort[] ids = [(await reader.NextMessageAsync()).PacketId, (await reader.NextMessageAsync()).PacketId,
            (await reader.NextMessageAsync()).PacketId];
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[2] });
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[1], ReasonCode = MqttReasonCode.ImplementationSpecificError });
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[0] });
        Assert.Equal(ids[2], (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        Assert.Equal(ids[0], (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        MqttPublishPacket next = await reader.NextMessageAsync();
        Assert.Equal("d", Text(next));
        Assert.DoesNotContain(next.PacketId, (ushort[])[ids[0], ids[2]]);
    }

    /// <summary>MQTT 5, 3.5.2.1 and 3.6.2.1: an identifier that is not known is answered with 0x92; 3.1.1 has no code.</summary>
    [Theory]
    [InlineData(MqttVersion.V311, 0)]
    [InlineData(MqttVersion.V5, 0x92)]
    public async Task A_PUBREC_for_an_unknown_identifier_is_answered_with_PUBREL(MqttVersion version, int code)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("peer", version: version);
        await peer.SendAsync(new MqttPubrecPacket { PacketId = 77 });
        MqttPubrelPacket pubrel = await peer.NextAsync<MqttPubrelPacket>();
        Assert.Equal((77, (MqttReasonCode)code), (pubrel.PacketId, pubrel.ReasonCode));
        await peer.SendAsync(new MqttPubcompPacket { PacketId = 77 });
        await peer.PublishAsync("fleet/x", "alive");
    }

    /// <summary>MQTT-4.4.0-1, MQTT-3.3.1-1, MQTT-4.6.0-1, MQTT-2.3.1-4 (3.1.1): the same identifiers, in the same order, with DUP, before
    /// anything new.</summary>
    [Theory]
    [InlineData(MqttQos.AtLeastOnce)]
    [InlineData(MqttQos.ExactlyOnce)]
    public async Task What_is_not_acknowledged_is_sent_again_under_its_identifier_with_DUP(MqttQos qos)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", qos);
        await PublishAsync(scene, "a", "b", "c");
        List<(ushort, string)> sent = [];
        for (int i = 0; i < 3; i++)
        {
            MqttPublishPacket message = await reader.NextMessageAsync();
            sent.Add((message.PacketId, Text(message)));
        }

        await reader.VanishAsync();
        await PublishAsync(scene, "d");
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
        foreach ((ushort, string) before in sent)
        {
            MqttPublishPacket message = await again.NextMessageAsync();
            Assert.Equal((before, qos, true), ((message.PacketId, Text(message)), message.Qos, message.Duplicate));
        }

        MqttPublishPacket fresh = await again.NextMessageAsync();
        Assert.Equal(("d", false), (Text(fresh), fresh.Duplicate));
        Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>MQTT-4.4.0-1: PUBREL again, and no PUBLISH; what is finished behind something that is not never comes again.</summary>
    [Fact]
    public async Task Behind_PUBREC_only_PUBREL_comes_again_and_behind_PUBCOMP_nothing()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(scene, "open", "released", "done");
        ushort[] ids = [(await reader.NextMessageAsync()).PacketId, (await reader.NextMessageAsync()).PacketId,
            (await reader.NextMessageAsync()).PacketId];
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[2] });
        await reader.NextAsync<MqttPubrelPacket>();
        await reader.SendAsync(new MqttPubcompPacket { PacketId = ids[2] });
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[1] });
        await reader.NextAsync<MqttPubrelPacket>();
        await reader.VanishAsync();

        for (int i = 0; i < 2; i++)
        {
            MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
            Assert.Equal(ids[1], (await again.NextAsync<MqttPubrelPacket>()).PacketId);
            MqttPublishPacket open = await again.NextMessageAsync();
            Assert.Equal((ids[0], "open", true), (open.PacketId, Text(open), open.Duplicate));
            Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
            await again.VanishAsync();
        }

        MqttPeer last = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
        await last.NextAsync<MqttPubrelPacket>();
        await last.SendAsync(new MqttPubcompPacket { PacketId = ids[1] });
        await last.NextMessageAsync();
        await last.SendAsync(new MqttPubrecPacket { PacketId = ids[0] });
        await last.NextAsync<MqttPubrelPacket>();
        await last.SendAsync(new MqttPubcompPacket { PacketId = ids[0] });
        await last.DisconnectAsync();
        Assert.True(scene.Container.Register(SessionRecord.Stream, "window/reader")!.Value.Value.IsEmpty);
        MqttPeer after = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
        Assert.True(await after.NothingBeforePingAsync<MqttPublishPacket>());
    }

    /// <summary>MQTT-3.10.4-3: what was begun is completed, also when no filter asks for it any more and over another connection.</summary>
    [Fact]
    public async Task What_was_begun_is_completed_though_its_filter_is_gone()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(scene, "a");
        ushort id = (await reader.NextMessageAsync()).PacketId;
        await reader.UnsubscribeAsync("fleet/#");
        await PublishAsync(scene, "b");
        await reader.VanishAsync();
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60);
        MqttPublishPacket message = await again.NextMessageAsync();
        Assert.Equal((id, "a", true), (message.PacketId, Text(message), message.Duplicate));
        await again.SendAsync(new MqttPubrecPacket { PacketId = id });
        await again.NextAsync<MqttPubrelPacket>();
        await again.SendAsync(new MqttPubcompPacket { PacketId = id });
        Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
        await again.DisconnectAsync();
        Assert.True(scene.Container.Register(SessionRecord.Stream, "window/reader")!.Value.Value.IsEmpty);
    }

    /// <summary>MQTT-3.3.4-9 (5): a smaller Receive Maximum of the next connection holds for what is sent again too.</summary>
    [Fact]
    public async Task No_more_is_sent_again_at_once_than_the_client_takes_now()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(scene, "a", "b", "c");
        for (int i = 0; i < 3; i++)
        {
            await reader.NextMessageAsync();
        }

        await reader.VanishAsync();
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 60, receiveMaximum: 1);
        foreach (string expected in (string[])["a", "b", "c"])
        {
            MqttPublishPacket message = await again.NextMessageAsync();
            Assert.Equal(expected, Text(message));
            Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
            await again.SendAsync(new MqttPubrecPacket { PacketId = message.PacketId });
            await again.NextAsync<MqttPubrelPacket>();
            await again.SendAsync(new MqttPubcompPacket { PacketId = message.PacketId });
        }
    }

    /// <summary>The order that makes a crash harmless: in the log before PUBLISH, in the log before PUBREL.</summary>
    [Fact]
    public async Task Neither_PUBLISH_nor_PUBREL_goes_out_before_the_log_has_the_identifier_and_that_it_was_received()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        scene.Store.HoldRegisters();
        await PublishAsync(scene, "a");
        await scene.Store.RegisterHeld.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        scene.Store.ReleaseRegisters();
        ushort id = (await reader.NextMessageAsync()).PacketId;
        scene.Store.HoldRegisters();
        await reader.SendAsync(new MqttPubrecPacket { PacketId = id });
        await scene.Store.RegisterHeld.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(await reader.NothingBeforePingAsync<MqttPubrelPacket>());
        scene.Store.ReleaseRegisters();
        Assert.Equal(id, (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
    }

    /// <summary>What was replicated is known elsewhere: the identifiers, what was received, what is finished.</summary>
    [Fact]
    public async Task At_another_cluster_it_goes_on_as_far_as_it_was_replicated()
    {
        await using GatewayScene here = await GatewayScene.OpenAsync("sj");
        await using GatewayScene there = await GatewayScene.OpenAsync("fr");
        MqttPeer reader = await here.ConnectAsync("reader", expiry: 60);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(here, "a", "b", "c");
        ushort[] ids = [(await reader.NextMessageAsync()).PacketId, (await reader.NextMessageAsync()).PacketId,
            (await reader.NextMessageAsync()).PacketId];
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[2] });
        await reader.NextAsync<MqttPubrelPacket>();
        await reader.SendAsync(new MqttPubcompPacket { PacketId = ids[2] });
        await reader.SendAsync(new MqttPubrecPacket { PacketId = ids[1] });
        await reader.NextAsync<MqttPubrelPacket>();
        await reader.VanishAsync();
        await there.CopyFromAsync(here);

        MqttPeer moved = await there.ConnectAsync("reader", cleanStart: false, expiry: 60);
        Assert.Equal(ids[1], (await moved.NextAsync<MqttPubrelPacket>()).PacketId);
        MqttPublishPacket open = await moved.NextMessageAsync();
        Assert.Equal((ids[0], "a", true), (open.PacketId, Text(open), open.Duplicate));
        await PublishAsync(there, "d");
        MqttPublishPacket next = await moved.NextMessageAsync();
        Assert.Equal(("d", false), (Text(next), next.Duplicate));
        Assert.DoesNotContain(next.PacketId, (ushort[])[ids[0], ids[1]]);
    }

    /// <summary>The link is cut, and what the left connection still does is written later than what the next one did.</summary>
    [Fact]
    public async Task What_a_connection_does_that_the_client_has_left_changes_nothing_for_the_next_one_elsewhere()
    {
        await using GatewayScene here = await GatewayScene.OpenAsync("sj");
        await using GatewayScene there = await GatewayScene.OpenAsync("fr");
        MqttPeer left = await here.ConnectAsync("reader", expiry: 60);
        await left.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        await PublishAsync(here, "a");
        await left.NextMessageAsync();
        await there.CopyFromAsync(here);

        MqttPeer moved = await there.ConnectAsync("reader", cleanStart: false, expiry: 60);
        ushort first = (await moved.NextMessageAsync()).PacketId;
        await PublishAsync(there, "d");
        ushort second = (await moved.NextMessageAsync()).PacketId;
        await PublishAsync(here, "b");
        await left.NextMessageAsync();
        await left.VanishAsync();
        await there.CopyFromAsync(here);

        there.KillAndRestart();
        MqttPeer again = await there.ConnectAsync("reader", cleanStart: false, expiry: 60);
        foreach ((ushort, string) before in ((ushort, string)[])[(first, "a"), (second, "d")])
        {
            MqttPublishPacket message = await again.NextMessageAsync();
            Assert.Equal((before, true), ((message.PacketId, Text(message)), message.Duplicate));
        }

        MqttPublishPacket fresh = await again.NextMessageAsync();
        Assert.Equal(("b", false), (Text(fresh), fresh.Duplicate));
    }

    /// <summary>MQTT-4.3.3-7 (sender), MQTT-4.3.3-13 (receiver): an exchange that was begun is completed though its message has
    /// expired.</summary>
    [Fact]
    public async Task Expiry_does_not_end_an_exchange_that_was_begun()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: 600);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        MqttPeer writer = await scene.ConnectAsync("writer", expiry: 600);
        MqttProperties brief = new() { MessageExpiryInterval = 10 };
        ushort id = await writer.PublishOnlyAsync("fleet/x", "a"u8.ToArray(), MqttQos.ExactlyOnce, brief);
        await writer.NextAsync<MqttPubrecPacket>();
        MqttPublishPacket first = await reader.NextMessageAsync();
        await reader.VanishAsync();
        time.Advance(TimeSpan.FromSeconds(20));
        await writer.SendAsync(new MqttPubrelPacket { PacketId = id });
        Assert.Equal(MqttReasonCode.Success, (await writer.NextAsync<MqttPubcompPacket>()).ReasonCode);
        MqttPeer again = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        MqttPublishPacket second = await again.NextMessageAsync();
        Assert.Equal((first.PacketId, true, "a", 0u),
            (second.PacketId, second.Duplicate, Text(second), second.Properties!.MessageExpiryInterval!.Value));
        await again.SendAsync(new MqttPubrecPacket { PacketId = second.PacketId });
        await again.NextAsync<MqttPubrelPacket>();
        await again.SendAsync(new MqttPubcompPacket { PacketId = second.PacketId });
        Assert.True(await again.NothingBeforePingAsync<MqttPublishPacket>());
    }

    private static async Task PublishAsync(GatewayScene scene, params string[] payloads)
    {
        MqttPeer writer = await scene.ConnectAsync($"writer-{Guid.NewGuid():n}");
        foreach (string payload in payloads)
        {
            ushort id = await writer.PublishOnlyAsync("fleet/x", Encoding.UTF8.GetBytes(payload), MqttQos.ExactlyOnce);
            await writer.NextAsync<MqttPubrecPacket>();
            await writer.SendAsync(new MqttPubrelPacket { PacketId = id });
            await writer.NextAsync<MqttPubcompPacket>();
        }

        await writer.DisconnectAsync();
    }

    private static string Text(MqttPublishPacket packet) => Encoding.UTF8.GetString(packet.Payload);
}
