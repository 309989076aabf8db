using System.Buffers;

namespace Streams.Mqtt;

/// <summary>Sizes and writes PUBLISH up to its payload.</summary>
internal static class PublishEncoder
{
    private const int AliasSize = 3;

    /// <summary>The remaining length of the packet, and the size of its property block without the length.</summary>
    public static long RemainingLength(in MqttPublishHead head, MqttVersion version, long payloadLength, out int propertySize)
    {
        Check(head, version);
        int topic = head.TopicUtf8.IsEmpty
            ? Utf8Text.PrefixedSize(head.Topic ?? "", "topic name")
            : SpanWriter.BinarySize(head.TopicUtf8.Span, "topic name");
        long length = topic + payloadLength + (head.Qos == MqttQos.AtMostOnce ? 0 : 2);
        propertySize = 0;
        if (version == MqttVersion.V5)
        {
            propertySize = PropertyWriter.Size(head.Properties, PropertyTable.Place(MqttPacketType.Publish))
                + head.EncodedProperties.Length + (head.TopicAlias == 0 ? 0 : AliasSize);
            length += VariableByteInteger.Size((uint)propertySize) + propertySize;
        }

        return length;
    }

    /// <summary>Writes everything before the payload; returns the bytes written.</summary>
    public static int WriteHead(
        IBufferWriter<byte> output, in MqttPublishHead head, MqttVersion version, long payloadLength)
    {
        uint length = PacketEncoder.CheckLength(RemainingLength(head, version, payloadLength, out int propertySize));
        int headBytes = (int)(1 + VariableByteInteger.Size(length) + length - payloadLength);
        SpanWriter target = new(output.GetSpan(headBytes));
        target.Byte((byte)(((int)MqttPacketType.Publish << 4) | (head.Duplicate ? 8 : 0) | ((int)head.Qos << 1) | (head.Retain ? 1 : 0)));
        target.Variable(length);
        if (head.TopicUtf8.IsEmpty)
        {
            target.Text(head.Topic ?? "");
        }
        else
        {
            target.Binary(head.TopicUtf8.Span);
        }

        if (head.Qos != MqttQos.AtMostOnce)
        {
            target.UInt16(head.PacketId);
        }

        if (version == MqttVersion.V5)
        {
            target.Variable((uint)propertySize);
            if (head.TopicAlias != 0)
            {
                target.Byte((byte)MqttPropertyId.TopicAlias);
                target.UInt16(head.TopicAlias);
            }

            PropertyWriter.WriteBare(ref target, head.Properties);
            target.Raw(head.EncodedProperties.Span);
        }

        output.Advance(target.Written);
        return target.Written;
    }

    private static void Check(in MqttPublishHead head, MqttVersion version)
    {
        if (head.Qos > MqttQos.ExactlyOnce)
        {
            throw Refuse.Malformed("PUBLISH with QoS 3.");
        }

        if (head.Qos == MqttQos.AtMostOnce ? head.PacketId != 0 || head.Duplicate : head.PacketId == 0)
        {
            throw Refuse.Protocol("PUBLISH has a packet identifier with QoS 1 and 2 only, and no duplicate flag with QoS 0.");
        }

        if (!head.TopicUtf8.IsEmpty)
        {
            return;
        }

        bool aliased = version == MqttVersion.V5 && (head.TopicAlias != 0 || head.Properties?.TopicAlias is not null);
        if (!(aliased && string.IsNullOrEmpty(head.Topic)) && TopicFilter.FaultInName(head.Topic) is { } fault)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, fault);
        }
    }
}
