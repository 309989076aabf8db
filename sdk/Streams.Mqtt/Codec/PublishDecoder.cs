using System.Buffers;

namespace Streams.Mqtt;

/// <summary>Decodes PUBLISH (section 3.3) and the four packets that answer it (3.4 to 3.7).</summary>
internal static class PublishDecoder
{
    public static MqttPublishPacket DecodePublish(ref BodyReader body, byte first, MqttDecodeOptions options)
    {
        MqttQos qos = (MqttQos)((first >> 1) & 3);
        string topic = body.ReadTopicName(options.Topics);
        ushort packetId = qos == MqttQos.AtMostOnce ? (ushort)0 : body.ReadPacketId();
        MqttProperties? properties = options.Version == MqttVersion.V5
            ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Publish), options)
            : null;
        if (topic.Length == 0 && properties?.TopicAlias is null)
        {
            throw options.Version == MqttVersion.V5
                ? Refuse.Protocol("PUBLISH has neither topic nor topic alias.")
                : new MqttProtocolException(MqttReasonCode.TopicNameInvalid, "The topic of PUBLISH is empty.");
        }

        if (options.Role == MqttRole.Server && properties?.SubscriptionList is not null)
        {
            throw Refuse.Protocol("A client does not send subscription identifiers in PUBLISH.");
        }

        ReadOnlySequence<byte> payload = body.AtEnd ? default : body.Rest;
        return new MqttPublishPacket
        {
            Topic = topic,
            PacketId = packetId,
            Qos = qos,
            Retain = (first & 1) != 0,
            Duplicate = (first & 8) != 0,
            Properties = properties,
            Payload = payload,
        };
    }

    public static MqttPublishReply DecodeReply(ref BodyReader body, MqttPacketType type, MqttDecodeOptions options)
    {
        ushort packetId = body.ReadPacketId();
        MqttReasonCode code = MqttReasonCode.Success;
        MqttProperties? properties = null;
        if (options.Version == MqttVersion.V5 && !body.AtEnd)
        {
            code = (MqttReasonCode)body.ReadByte("reason code");
            if (!ReasonCodes.IsAllowed(type, code, options.Role))
            {
                throw Refuse.Malformed($"Reason code 0x{(byte)code:X2} is not allowed in {type}.");
            }

            properties = body.AtEnd ? null : PropertyReader.Read(ref body, PropertyTable.Place(type), options);
        }

        body.ExpectEnd(type);
        return type switch
        {
            MqttPacketType.Puback => new MqttPubackPacket { PacketId = packetId, ReasonCode = code, Properties = properties },
            MqttPacketType.Pubrec => new MqttPubrecPacket { PacketId = packetId, ReasonCode = code, Properties = properties },
            MqttPacketType.Pubrel => new MqttPubrelPacket { PacketId = packetId, ReasonCode = code, Properties = properties },
            _ => new MqttPubcompPacket { PacketId = packetId, ReasonCode = code, Properties = properties },
        };
    }
}
