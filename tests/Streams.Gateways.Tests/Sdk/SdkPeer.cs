using System.Buffers;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Short words for a peer that speaks the SDK's protocol.</summary>
internal static class SdkPeer
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly StreamPartition P0 = new(Fleet, new PartitionId(0));

    public static EventBatch Batch(ProducerId producer, long first, int count, long after = 0, string topic = "t", bool twins = false)
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < count; i++)
        {
            builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default, Encoding.UTF8.GetBytes($"{first + i}"), 0);
        }

        return builder.Build(new EventIdentity(producer, 7, first), after == 0 ? default : (7ul, after), twins);
    }

    public static async Task<(MqttPubackPacket Answer, HelloReply? Reply)> HelloAsync(this MqttPeer peer, ProducerId producer, long from =
        1)
    {
        await peer.SdkAsync(ProtocolTopics.Hello, o =>
            Write(o, (ref ByteWriter w) => new HelloRequest(5, producer, [(P0, from)]).Write(ref w)));
        MqttPubackPacket answer = await peer.NextAsync<MqttPubackPacket>();
        return (answer, answer.ReasonCode == MqttReasonCode.Success
            ? HelloReply.Read((await peer.MessageAsync(ProtocolTopics.HelloReply)).ToArray()) : null);
    }

    public static Task ProduceOnlyAsync(this MqttPeer peer, EventBatch batch, params EventPlace[] after) =>
        peer.SdkAsync(ProtocolTopics.Produce, o => Write(o, (ref ByteWriter w) =>
        {
            new ProduceRequest(P0, AfterVector.Of(after), default).WriteHead(ref w);
            w.Bytes(batch.Bytes.Span);
        }));

    public static async Task<string> ProduceAsync(this MqttPeer peer, EventBatch batch, params EventPlace[] after)
    {
        await peer.ProduceOnlyAsync(batch, after);
        return await peer.AnswerAsync();
    }

    /// <summary>The next PUBACK: where a batch was placed, or code and first word of the reason.</summary>
    public static async Task<string> AnswerAsync(this MqttPeer peer)
    {
        MqttPubackPacket answer = await peer.NextAsync<MqttPubackPacket>();
        string placed = string.Join(' ',
            answer.Properties?.UserProperties.Where(p => p.Name == ProtocolTopics.PlacedProperty).Select(p => p.Value) ?? []);
        return answer.ReasonCode == MqttReasonCode.Success ? placed
            : $"0x{(byte)answer.ReasonCode:x2} {answer.Properties?.ReasonString?.Split(' ')[0]}";
    }

    public static async Task<OpenReply> OpenAsync(this MqttPeer peer, uint subscription = 1, string consumer = "c", uint credit = 1 << 20,
        StartPosition start = StartPosition.Earliest, string[]? filters = null, (PartitionId, Cursor)[]? local = null)
    {
        await peer.SdkAsync(ProtocolTopics.Open, o => Write(o, (ref ByteWriter w) =>
            new OpenRequest(subscription, ConsumerName.Parse(consumer), Fleet, filters ?? [], start, credit, local ?? []).Write(ref w)));
        Assert.Equal("", await peer.AnswerAsync());
        return OpenReply.Read((await peer.MessageAsync(ProtocolTopics.OpenReply)).ToArray())!;
    }

    /// <summary>The answer to a consumer of this name that opens.</summary>
    public static async Task<string> OpenAnswerAsync(this MqttPeer peer, string consumer)
    {
        await peer.SdkAsync(ProtocolTopics.Open, o => Write(o, (ref ByteWriter w) =>
            new OpenRequest(9, ConsumerName.Parse(consumer), Fleet, [], StartPosition.Earliest, 1 << 20, []).Write(ref w)));
        return await peer.AnswerAsync();
    }

    public static async Task<Delivery> DeliveryAsync(this MqttPeer peer) =>
        Delivery.Read((await peer.MessageAsync(ProtocolTopics.Deliver)).ToArray())!;

    /// <summary>The next delivery that holds events: their payloads.</summary>
    public static async Task<string> EventsAsync(this MqttPeer peer)
    {
        while (true)
        {
            Delivery delivery = await peer.DeliveryAsync();
            if (delivery.Kind == DeliveryKind.Events)
            {
                List<string> payloads = [];
                foreach (EventView view in EventBatch.Parse(delivery.Batch).Events)
                {
                    payloads.Add(Encoding.UTF8.GetString(view.Payload.Span));
                }

                return $"{delivery.Origin.Cluster}@{delivery.From}:{string.Join(',', payloads)}";
            }
        }
    }

    public static async Task<string> CommitAsync(this MqttPeer peer, uint subscription, Cursor cursor)
    {
        await peer.SdkAsync(ProtocolTopics.Commit, o =>
            Write(o, (ref ByteWriter w) => new CommitRequest(subscription, P0.Partition, cursor).Write(ref w)));
        return await peer.AnswerAsync();
    }

    public static Task GrantAsync(this MqttPeer peer, uint subscription, uint bytes) =>
        peer.SdkAsync(ProtocolTopics.Credit, o =>
            Write(o, (ref ByteWriter w) => new CreditGrant(subscription, bytes).Write(ref w)), MqttQos.AtMostOnce);

    public static async Task<string> ResumeAsync(this MqttPeer peer, uint subscription, Origin origin, long from)
    {
        await peer.SdkAsync(ProtocolTopics.Resume, o => Write(o, (ref ByteWriter w) =>
            new ResumeRequest(subscription, P0.Partition, origin, new Offset(from)).Write(ref w)));
        return await peer.AnswerAsync();
    }

    /// <summary>Where to go on, or the code of the refusal.</summary>
    public static async Task<(string Answer, SeekReply? Reply)> SeekAsync(this MqttPeer peer, SeekRequest request)
    {
        await peer.SdkAsync(ProtocolTopics.Seek, o => Write(o, (ref ByteWriter w) => request.Write(ref w)));
        string answer = await peer.AnswerAsync();
        return (answer, answer.Length > 0 ? null : SeekReply.Read((await peer.MessageAsync(ProtocolTopics.SeekReply)).ToArray()));
    }

    public static async Task<LagReply> LagAsync(this MqttPeer peer, uint subscription, Cursor at)
    {
        await peer.SdkAsync(ProtocolTopics.Lag, o =>
            Write(o, (ref ByteWriter w) => new LagRequest(subscription, [(P0.Partition, at)]).Write(ref w)));
        Assert.Equal("", await peer.AnswerAsync());
        return LagReply.Read((await peer.MessageAsync(ProtocolTopics.LagReply)).ToArray())!;
    }

    public static async Task<string> CloseAsync(this MqttPeer peer, uint subscription)
    {
        await peer.SdkAsync(ProtocolTopics.Close, o => Write(o, (ref ByteWriter w) => new CloseRequest(subscription).Write(ref w)));
        return await peer.AnswerAsync();
    }

    public static async Task<ReadOnlyMemory<byte>> MessageAsync(this MqttPeer peer, string topic)
    {
        MqttPublishPacket message = await peer.NextMessageAsync();
        Assert.Equal(topic, message.Topic);
        Assert.Equal(MqttQos.AtMostOnce, message.Qos);
        return message.Payload.ToArray();
    }

    private static void Write(IBufferWriter<byte> output, WriteMessage write)
    {
        ByteWriter writer = new(output);
        write(ref writer);
    }

    private delegate void WriteMessage(ref ByteWriter writer);
}
