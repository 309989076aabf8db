using System.Buffers;

namespace Streams.Mqtt.Tests;

public class HotPathTests
{
    [Fact]
    public void A_publish_of_a_known_topic_allocates_its_packet_object_only()
    {
        byte[] bytes = Wire.Encode(new MqttPublishPacket
        {
            Topic = "fleet/car-17/telemetry",
            Payload = new ReadOnlySequence<byte>(new byte[1000]),
            Qos = MqttQos.AtLeastOnce,
            PacketId = 9,
        });
        MqttDecodeOptions options = Wire.ServerV5 with { Topics = new TopicNameCache() };
        string? topic = Read(bytes, options).Topic;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Assert.Same(topic, Read(bytes, options).Topic);
        }

        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
        Assert.True(each <= 80, $"{each} bytes per PUBLISH");
    }

    [Fact]
    public void Writing_publish_and_puback_allocates_nothing()
    {
        ArrayBufferWriter<byte> output = new(4096);
        MqttPublishHead head = new() { Topic = "fleet/car-17/telemetry", Qos = MqttQos.AtLeastOnce, PacketId = 3 };
        MqttPubackPacket puback = new() { PacketId = 3 };
        byte[] payload = new byte[1000];
        long before = 0;
        for (int i = 0; i < 1001; i++)
        {
            if (i == 1)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            MqttPacketWriter.WritePublish(output, head, payload, MqttVersion.V5);
            MqttPacketWriter.Write(output, puback, MqttVersion.V5);
            output.ResetWrittenCount();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void The_payload_is_a_slice_of_the_buffer()
    {
        byte[] bytes = Wire.Bytes("30 06 0001 61 00 4142");
        MqttPublishPacket packet = Read(bytes, Wire.ServerV5);
        bytes[6] = (byte)'Z';
        Assert.Equal("ZB"u8.ToArray(), packet.Payload.ToArray());
    }

    [Fact]
    public void The_topic_cache_is_bounded_and_never_gives_a_wrong_name()
    {
        MqttDecodeOptions options = Wire.ServerV5 with { Topics = new TopicNameCache(4) };
        Random random = new(3);
        for (int i = 0; i < 2000; i++)
        {
            string topic = "t/" + random.Next(30);
            Assert.Equal(topic, Read(Wire.Encode(new MqttPublishPacket { Topic = topic }), options).Topic);
        }

        string longTopic = new('x', TopicNameCache.MaximumNameBytes + 1);
        byte[] bytes = Wire.Encode(new MqttPublishPacket { Topic = longTopic });
        Assert.NotSame(Read(bytes, options).Topic, Read(bytes, options).Topic);
    }

    private static MqttPublishPacket Read(byte[] bytes, MqttDecodeOptions options)
    {
        ReadOnlySequence<byte> buffer = new(bytes);
        Assert.True(MqttPacketReader.TryRead(ref buffer, options, out MqttPacket? packet));
        return (MqttPublishPacket)packet;
    }
}
