using System.Buffers;

namespace Streams.Mqtt.Tests;

public class ClientPublishTests
{
    [Fact]
    public async Task Qos_0_completes_when_written()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        MqttPublishResult result = await client.PublishAsync("a", "x"u8.ToArray()).Soon();
        Assert.True(result.IsSuccess);
        Assert.Equal("a", (await server.Hear<MqttPublishPacket>()).Topic);
    }

    [Fact]
    public async Task Qos_1_completes_with_the_reason_and_properties_of_puback()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.AtLeastOnce);
        MqttPublishPacket heard = await server.Hear<MqttPublishPacket>();
        Assert.False(publishing.IsCompleted);
        await server.Say(new MqttPubackPacket
        {
            PacketId = heard.PacketId,
            ReasonCode = MqttReasonCode.QuotaExceeded,
            Properties = new MqttProperties().Add("offset", "17").Add("offset", "18"),
        });
        MqttPublishResult result = await publishing.Soon();
        Assert.False(result.IsSuccess);
        Assert.Equal(MqttReasonCode.QuotaExceeded, result.ReasonCode);
        Assert.Equal([new("offset", "17"), new("offset", "18")], result.Properties!.UserProperties);
    }

    [Fact]
    public async Task Qos_2_goes_through_its_four_packets()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.ExactlyOnce);
        ushort id = (await server.Hear<MqttPublishPacket>()).PacketId;
        await server.Say(new MqttPubrecPacket { PacketId = id });
        Assert.Equal(id, (await server.Hear<MqttPubrelPacket>()).PacketId);
        Assert.False(publishing.IsCompleted);
        await server.Say(new MqttPubcompPacket { PacketId = id });
        Assert.True((await publishing.Soon()).IsSuccess);

        publishing = client.PublishAsync("b", default, MqttQos.ExactlyOnce);
        id = (await server.Hear<MqttPublishPacket>()).PacketId;
        await server.Say(new MqttPubrecPacket { PacketId = id, ReasonCode = MqttReasonCode.NotAuthorized });
        Assert.Equal(MqttReasonCode.NotAuthorized, (await publishing.Soon()).ReasonCode);
    }

    [Fact]
    public async Task The_receive_maximum_of_the_server_is_kept_and_the_order_too()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client =
            await server.Accept(new MqttConnackPacket { Properties = new MqttProperties { ReceiveMaximum = 3 } });
        Task<MqttPublishResult>[] publishing =
            [.. Enumerable.Range(0, 50).Select(i => client.PublishAsync($"t/{i}", default, MqttQos.AtLeastOnce))];
        Queue<ushort> open = [];
        int most = 0;
        for (int i = 0; i < 50; i++)
        {
            if (open.Count == 3)
            {
                // Nothing more comes before an acknowledgement: the ping is the next packet.
                await server.Say(new MqttPubackPacket { PacketId = open.Dequeue() });
            }

            MqttPublishPacket heard = await server.Hear<MqttPublishPacket>();
            Assert.Equal($"t/{i}", heard.Topic);
            Assert.DoesNotContain(heard.PacketId, open);
            open.Enqueue(heard.PacketId);
            most = Math.Max(most, open.Count);
        }

        while (open.TryDequeue(out ushort id))
        {
            await server.Say(new MqttPubackPacket { PacketId = id });
        }

        await Task.WhenAll(publishing).Soon();
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_full_window_sends_nothing_more_and_a_full_queue_fails_the_call()
    {
        await using ScriptedServer server = new(
            new MqttClientOptions { KeepAlive = TimeSpan.Zero, MaximumInFlight = 1, MaximumWaiting = 2 });
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> first = client.PublishAsync("a", default, MqttQos.AtLeastOnce);
        Task<MqttPublishResult> second = client.PublishAsync("b", default, MqttQos.AtLeastOnce);
        using CancellationTokenSource cancel = new();
        Task<MqttPublishResult> canceled = client.PublishAsync("c", default, MqttQos.AtLeastOnce, cancellationToken: cancel.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.PublishAsync("d", default).Soon());
        Task<MqttUnsubackPacket> unsubscribing = client.UnsubscribeAsync(["x"]);
        ushort id = (await server.Hear<MqttPublishPacket>()).PacketId;
        await server.Hear<MqttUnsubscribePacket>();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => canceled.Soon());
        await server.Say(new MqttPubackPacket { PacketId = id });
        MqttPublishPacket next = await server.Hear<MqttPublishPacket>();
        Assert.Equal("b", next.Topic);
        await server.Say(new MqttPubackPacket { PacketId = next.PacketId });
        await first.Soon();
        await second.Soon();
        Task<MqttPublishResult> last = client.PublishAsync("e", default, MqttQos.AtLeastOnce);
        Assert.Equal("e", (await server.Hear<MqttPublishPacket>()).Topic);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => last.Soon());
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => unsubscribing.Soon());
    }

    [Fact]
    public async Task A_server_that_does_not_read_holds_publishes_and_not_memory()
    {
        await using ScriptedServer server = new(
            new MqttClientOptions { KeepAlive = TimeSpan.Zero, SendBufferBytes = 10_000 }, pauseAt: 5000);
        await using MqttClientConnection client = await server.Accept();
        byte[] payload = new byte[4000];
        Task[] publishing = [.. Enumerable.Range(0, 100).Select(i => client.PublishAsync($"t/{i}", payload))];
        Assert.True(publishing.Count(t => t.IsCompleted) < 10);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal($"t/{i}", (await server.Hear<MqttPublishPacket>()).Topic);
        }

        Task<MqttPacket?> end = server.Wire.ReadAsync().AsTask();
        await Task.WhenAll(publishing).Soon();
        Assert.False(end.IsCompleted);
        await client.DisposeAsync();
        await end.Soon();
    }

    [Fact]
    public async Task What_the_server_does_not_take_is_refused_before_it_is_sent()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept(new MqttConnackPacket
        {
            Properties = new MqttProperties { MaximumQos = MqttQos.AtLeastOnce, RetainAvailable = false, MaximumPacketSize = 100 },
        });
        await Refused(MqttReasonCode.QosNotSupported, () => client.PublishAsync("a", default, MqttQos.ExactlyOnce));
        await Refused(MqttReasonCode.RetainNotSupported, () => client.PublishAsync("a", default, retain: true));
        await Refused(MqttReasonCode.PacketTooLarge, () => client.PublishAsync("a", new byte[100], MqttQos.AtLeastOnce));
        await Refused(MqttReasonCode.PacketTooLarge, () => client.SubscribeAsync([new MqttSubscription(new string('x', 100))]));
        await Refused(MqttReasonCode.TopicNameInvalid, () => client.PublishAsync("a/#", default, MqttQos.AtLeastOnce));
        await Refused(
            MqttReasonCode.TopicAliasInvalid, () => client.PublishAsync("a", default, properties: new MqttProperties { TopicAlias = 1 }));
        await Refused(MqttReasonCode.TopicFilterInvalid, () => client.SubscribeAsync([new MqttSubscription("a#")]));
        Task<MqttPublishResult> good = client.PublishAsync("a", new byte[90], MqttQos.AtLeastOnce);
        await server.Say(new MqttPubackPacket { PacketId = (await server.Hear<MqttPublishPacket>()).PacketId });
        Assert.True((await good.Soon()).IsSuccess);
    }

    [Theory]
    [InlineData("40 02 0007")]
    [InlineData("50 02 0001")]
    [InlineData("70 02 0001")]
    public async Task An_answer_that_answers_nothing_ends_the_connection(string hex)
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.AtLeastOnce);
        Assert.Equal(1, (await server.Hear<MqttPublishPacket>()).PacketId);
        await server.SayRaw(hex);
        Assert.Equal(MqttReasonCode.ProtocolError, (await server.Hear<MqttDisconnectPacket>()).ReasonCode);
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => publishing.Soon());
        Assert.IsType<MqttProtocolException>((await client.Closed.Soon()).Failure);
    }

    [Fact]
    public void Packet_identifiers_are_used_once_until_released_and_never_0()
    {
        PacketIds ids = new();
        HashSet<ushort> taken = [.. Enumerable.Range(0, 65_535).Select(_ => ids.Take())];
        Assert.Equal(65_535, taken.Count);
        Assert.DoesNotContain((ushort)0, taken);
        Assert.Equal(0, ids.Take());
        ids.Release(500);
        ids.Release(500);
        ids.Release(65_535);
        Assert.Equal((500, 65_535, 0), (ids.Take(), ids.Take(), ids.Take()));
        ids.Release(3);
        Assert.Equal(3, ids.Take());
    }

    private static async Task Refused(MqttReasonCode code, Func<Task> call)
    {
        MqttProtocolException e = await Assert.ThrowsAsync<MqttProtocolException>(() => call().Soon());
        Assert.Equal(code, e.ReasonCode);
    }
}
