using System.Buffers;
using System.Text;

namespace Streams.Mqtt.Tests;

public class ClientReceiveTests
{
    [Fact]
    public async Task Messages_come_in_order_and_are_acknowledged_after_the_handler()
    {
        await using ScriptedServer server = new();
        TaskCompletionSource release = new();
        List<string> seen = [];
        server.Handler = async packet =>
        {
            await release.Task;
            seen.Add(packet.Topic + Encoding.UTF8.GetString(packet.Payload.ToArray()));
        };
        await using MqttClientConnection client = await server.Accept();
        for (ushort i = 1; i <= 5; i++)
        {
            await server.Say(ScriptedServer.Message("t", MqttQos.AtLeastOnce, i, i.ToString(null, null)));
        }

        Task<MqttPacket?> acknowledgement = server.Wire.ReadAsync().AsTask();
        Task<MqttPublishResult> sending = client.PublishAsync("up", default);
        Assert.IsType<MqttPublishPacket>(await acknowledgement.Soon());
        release.SetResult();
        for (ushort i = 1; i <= 5; i++)
        {
            Assert.Equal(i, (await server.Hear<MqttPubackPacket>()).PacketId);
        }

        await sending.Soon();
        Assert.Equal(["t1", "t2", "t3", "t4", "t5"], seen);
    }

    [Fact]
    public async Task A_handler_may_publish_and_await_the_acknowledgement()
    {
        await using ScriptedServer server = new();
        MqttClientConnection? client = null;
        server.Handler = async _ => await client!.PublishAsync("answer", default, MqttQos.AtLeastOnce);
        client = await server.Accept();
        await using MqttClientConnection owned = client;
        await server.Say(ScriptedServer.Message("question", MqttQos.AtLeastOnce, 9));
        MqttPublishPacket answer = await server.Hear<MqttPublishPacket>();
        await server.Say(new MqttPubackPacket { PacketId = answer.PacketId });
        Assert.Equal(9, (await server.Hear<MqttPubackPacket>()).PacketId);
    }

    [Fact]
    public async Task Qos_2_is_delivered_once_however_often_it_is_repeated()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        MqttPublishPacket message = ScriptedServer.Message("t", MqttQos.ExactlyOnce, 4);
        await server.Say(message);
        Assert.Equal(4, (await server.Hear<MqttPubrecPacket>()).PacketId);
        await server.Say(message);
        Assert.Equal(4, (await server.Hear<MqttPubrecPacket>()).PacketId);
        await server.Say(new MqttPubrelPacket { PacketId = 4 });
        Assert.Equal(MqttReasonCode.Success, (await server.Hear<MqttPubcompPacket>()).ReasonCode);
        await server.Say(new MqttPubrelPacket { PacketId = 4 });
        Assert.Equal(MqttReasonCode.PacketIdentifierNotFound, (await server.Hear<MqttPubcompPacket>()).ReasonCode);
        Assert.Equal(["t"], server.Handled);
        await server.Say(message);
        await server.Hear<MqttPubrecPacket>();
        Assert.Equal(["t", "t"], server.Handled);
    }

    [Fact]
    public async Task Without_automatic_acknowledgement_the_owner_acknowledges()
    {
        await using ScriptedServer server = new(new MqttClientOptions { AutoAck = false, KeepAlive = TimeSpan.Zero });
        TaskCompletionSource<MqttPublishPacket> received = new();
        server.Handler = packet =>
        {
            received.TrySetResult(packet);
            return default;
        };
        await using MqttClientConnection client = await server.Accept();
        await server.Say(ScriptedServer.Message("t", MqttQos.AtLeastOnce, 8));
        MqttPublishPacket packet = await received.Task.Soon();
        await client.AckAsync(packet, MqttReasonCode.ImplementationSpecificError, new MqttProperties { ReasonString = "no" }).Soon();
        MqttPubackPacket puback = await server.Hear<MqttPubackPacket>();
        Assert.Equal(
            (8, MqttReasonCode.ImplementationSpecificError, "no"), (puback.PacketId, puback.ReasonCode, puback.Properties!.ReasonString));
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.AckAsync(packet).Soon());
    }

    [Fact]
    public async Task More_messages_than_the_receive_maximum_end_the_connection()
    {
        await using ScriptedServer server = new(new MqttClientOptions { AutoAck = false, ReceiveMaximum = 2, KeepAlive = TimeSpan.Zero });
        await using MqttClientConnection client = await server.Accept();
        Assert.Equal((ushort)2, server.Connect!.Properties!.ReceiveMaximum);
        for (ushort i = 1; i <= 3; i++)
        {
            await server.Say(ScriptedServer.Message("t", MqttQos.AtLeastOnce, i));
        }

        Assert.Equal(MqttReasonCode.ReceiveMaximumExceeded, (await server.Hear<MqttDisconnectPacket>()).ReasonCode);
        await server.HearEnd();
    }

    [Fact]
    public async Task A_server_that_exceeds_the_receive_maximum_can_be_borne_with()
    {
        await using ScriptedServer server = new(
            new MqttClientOptions { ReceiveMaximum = 2, EnforceReceiveMaximum = false, KeepAlive = TimeSpan.Zero });
        await using MqttClientConnection client = await server.Accept();
        for (ushort i = 1; i <= 50; i++)
        {
            await server.Say(ScriptedServer.Message("t", MqttQos.AtLeastOnce, i));
        }

        for (ushort i = 1; i <= 50; i++)
        {
            Assert.Equal(i, (await server.Hear<MqttPubackPacket>()).PacketId);
        }
    }

    [Fact]
    public async Task A_slow_handler_stops_the_reading_of_qos_0_messages()
    {
        await using ScriptedServer server = new(new MqttClientOptions { ReceiveMaximum = 2, KeepAlive = TimeSpan.Zero }, pauseAt: 1000);
        TaskCompletionSource release = new();
        int handled = 0;
        server.Handler = async _ =>
        {
            await release.Task;
            handled++;
        };
        await using MqttClientConnection client = await server.Accept();
        int said = 0;
        Task flood = Task.CompletedTask;
        while (flood.IsCompleted)
        {
            Assert.True(++said < 50, "The client reads without end.");
            flood = server.Wire.WriteAsync(ScriptedServer.Message("t", payload: new string('x', 600))).AsTask();
            if (said > 3)
            {
                await Task.WhenAny(flood, Patience.Until(() => flood.IsCompleted || server.Wire.UnflushedBytes > 0));
            }
        }

        release.SetResult();
        await flood.Soon();
        await Patience.Until(() => Volatile.Read(ref handled) == said);
    }

    [Fact]
    public async Task A_handler_that_throws_closes_the_connection_without_acknowledging()
    {
        await using ScriptedServer server = new();
        server.Handler = _ => throw new InvalidDataException("broken");
        await using MqttClientConnection client = await server.Accept();
        await server.Say(ScriptedServer.Message("t", MqttQos.AtLeastOnce, 1));
        await server.HearEnd();
        Assert.Equal("broken", Assert.IsType<InvalidDataException>((await client.Closed.Soon()).Failure).Message);
    }

    [Fact]
    public async Task Topic_aliases_of_the_server_are_resolved()
    {
        await using ScriptedServer server = new(new MqttClientOptions { TopicAliasMaximum = 5, KeepAlive = TimeSpan.Zero });
        await using MqttClientConnection client = await server.Accept();
        await server.SayRaw("30 0A 0003 612F62 03 230005 41");
        await server.SayRaw("30 07 0000 03 230005 42");
        await Patience.Until(() =>
        {
            lock (server.Handled)
            {
                return server.Handled.Count == 2;
            }
        });
        Assert.Equal(["a/b", "a/b"], server.Handled);
        await server.SayRaw("30 07 0000 03 230006 42");
        Assert.Equal(MqttReasonCode.TopicAliasInvalid, (await server.Hear<MqttDisconnectPacket>()).ReasonCode);
    }
}
