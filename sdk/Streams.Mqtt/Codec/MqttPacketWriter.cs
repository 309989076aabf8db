using System.Buffers;

namespace Streams.Mqtt;

/// <summary>
/// Turns packets into bytes. A packet that the standard cannot carry is refused with <see cref="MqttProtocolException"/> before
/// anything is written. Pure: no state, no I/O, thread-safe as far as the target is.
/// </summary>
public static class MqttPacketWriter
{
    /// <summary>
    /// Writes a packet in the given version. For 3.1.1 properties and options it does not know are left out, and the reason codes of
    /// CONNACK and SUBACK are mapped; a failure in PUBACK or PUBREC, and AUTH, cannot be said in 3.1.1 and are refused.
    /// Returns the bytes written.
    /// </summary>
    public static int Write(IBufferWriter<byte> output, MqttPacket packet, MqttVersion version)
    {
        if (packet is MqttPublishPacket publish)
        {
            return WritePublish(output, HeadOf(publish), publish.Payload, version);
        }

        PacketSizes sizes = PacketEncoder.SizesOf(packet, version);
        int total = (int)(1 + VariableByteInteger.Size(sizes.Remaining) + sizes.Remaining);
        SpanWriter target = new(output.GetSpan(total));
        PacketEncoder.Write(ref target, packet, version, sizes);
        if (target.Written != total)
        {
            throw new InvalidOperationException($"{packet.Type} was sized {total} bytes and wrote {target.Written}.");
        }

        output.Advance(total);
        return total;
    }

    /// <summary>Writes a PUBLISH without making a packet object; returns the bytes written.</summary>
    public static int WritePublish(IBufferWriter<byte> output, in MqttPublishHead head, ReadOnlySpan<byte> payload, MqttVersion version)
    {
        int bytes = PublishEncoder.WriteHead(output, head, version, payload.Length) + payload.Length;
        output.Write(payload);
        return bytes;
    }

    /// <summary>Writes a PUBLISH without making a packet object; returns the bytes written.</summary>
    public static int WritePublish(
        IBufferWriter<byte> output, in MqttPublishHead head, in ReadOnlySequence<byte> payload, MqttVersion version)
    {
        int bytes = PublishEncoder.WriteHead(output, head, version, payload.Length) + (int)payload.Length;
        foreach (ReadOnlyMemory<byte> segment in payload)
        {
            output.Write(segment.Span);
        }

        return bytes;
    }

    /// <summary>
    /// The bytes that <see cref="Write"/> would write, headers included: what is compared with a peer's maximum packet size.
    /// Throws what <see cref="Write"/> would throw.
    /// </summary>
    public static int SizeOf(MqttPacket packet, MqttVersion version)
    {
        if (packet is MqttPublishPacket publish)
        {
            return SizeOfPublish(HeadOf(publish), publish.Payload.Length, version);
        }

        PacketSizes sizes = PacketEncoder.SizesOf(packet, version);
        return (int)(1 + VariableByteInteger.Size(sizes.Remaining) + sizes.Remaining);
    }

    /// <summary>The bytes a PUBLISH takes, headers included. Throws what writing it would throw.</summary>
    public static int SizeOfPublish(in MqttPublishHead head, long payloadLength, MqttVersion version)
    {
        uint length = PacketEncoder.CheckLength(PublishEncoder.RemainingLength(head, version, payloadLength, out _));
        return (int)(1 + VariableByteInteger.Size(length) + length);
    }

    /// <summary>Encodes one user property for <see cref="MqttPublishHead.EncodedProperties"/>, to be used in many packets.</summary>
    public static void WriteUserProperty(IBufferWriter<byte> output, string name, string value)
    {
        int size = 1 + Utf8Text.PrefixedSize(name, "user property name") + Utf8Text.PrefixedSize(value, "user property value");
        SpanWriter target = new(output.GetSpan(size));
        target.Pair(MqttPropertyId.UserProperty, name, value);
        output.Advance(target.Written);
    }

    internal static MqttPublishHead HeadOf(MqttPublishPacket packet) => new()
    {
        Topic = packet.Topic,
        Qos = packet.Qos,
        Retain = packet.Retain,
        Duplicate = packet.Duplicate,
        PacketId = packet.PacketId,
        Properties = packet.Properties,
    };
}
