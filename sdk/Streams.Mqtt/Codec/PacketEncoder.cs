namespace Streams.Mqtt;

/// <summary>Sizes and writes every packet but PUBLISH. First all is sized and judged, then it is written.</summary>
internal static class PacketEncoder
{
    public static uint CheckLength(long length) => length <= VariableByteInteger.Maximum
        ? (uint)length
        : throw new MqttProtocolException(
            MqttReasonCode.PacketTooLarge, $"A packet has at most {VariableByteInteger.Maximum} bytes behind its header, not {length}.");

    public static PacketSizes SizesOf(MqttPacket packet, MqttVersion version)
    {
        bool v5 = version == MqttVersion.V5;
        int properties = v5 ? PropertyWriter.Size(PropertiesOf(packet), PropertyTable.Place(packet.Type)) : 0;
        int block = v5 ? VariableByteInteger.Size((uint)properties) + properties : 0;
        int willProperties = 0;
        long length = packet switch
        {
            MqttConnectPacket connect => ConnectEncoder.Size(connect, version, block, out willProperties),
            MqttConnackPacket connack => ConnectEncoder.Size(connack, block),
            MqttPublishReply reply => ReplySize(reply, v5, properties, block),
            MqttSubscribePacket subscribe => SubscribeEncoder.Size(subscribe, v5, block),
            MqttSubackPacket suback => SubscribeEncoder.Size(suback, block),
            MqttUnsubscribePacket unsubscribe => SubscribeEncoder.Size(unsubscribe, v5, block),
            MqttUnsubackPacket unsuback => SubscribeEncoder.Size(unsuback, v5, block),
            MqttDisconnectPacket disconnect => DisconnectSize(disconnect, v5, properties, block),
            MqttAuthPacket auth => AuthSize(auth, v5, properties, block),
            _ => 0,
        };
        return new PacketSizes(CheckLength(length), properties, willProperties);
    }

    public static void Write(ref SpanWriter target, MqttPacket packet, MqttVersion version, in PacketSizes sizes)
    {
        bool flagged = packet.Type is MqttPacketType.Pubrel or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe;
        target.Byte((byte)(((int)packet.Type << 4) | (flagged ? 2 : 0)));
        target.Variable(sizes.Remaining);
        switch (packet)
        {
            case MqttConnectPacket connect:
                ConnectEncoder.Write(ref target, connect, version, sizes);
                break;
            case MqttConnackPacket connack:
                ConnectEncoder.Write(ref target, connack, version, sizes);
                break;
            case MqttPublishReply reply:
                target.UInt16(reply.PacketId);
                WriteReason(ref target, reply.ReasonCode, reply.Properties, sizes, shortest: 3);
                break;
            case MqttSubscribePacket or MqttSubackPacket or MqttUnsubscribePacket or MqttUnsubackPacket:
                SubscribeEncoder.Write(ref target, packet, version, sizes);
                break;
            case MqttDisconnectPacket disconnect:
                WriteReason(ref target, disconnect.ReasonCode, disconnect.Properties, sizes, shortest: 1);
                break;
            case MqttAuthPacket auth:
                WriteReason(ref target, auth.ReasonCode, auth.Properties, sizes, shortest: 1);
                break;
        }
    }

    internal static void CheckPacketId(ushort packetId)
    {
        if (packetId == 0)
        {
            throw Refuse.Protocol("Packet identifier 0 is not allowed.");
        }
    }

    /// <summary>Refuses a reason code that the packet cannot carry in either direction.</summary>
    internal static void CheckReason(MqttPacketType type, MqttReasonCode code)
    {
        if (!ReasonCodes.IsAllowed(type, code, MqttRole.Server) && !ReasonCodes.IsAllowed(type, code, MqttRole.Client))
        {
            throw Refuse.Protocol($"Reason code {code} is not allowed in {type}.");
        }
    }

    // Reason code and property length are left out when they say nothing.
    private static void WriteReason(
        ref SpanWriter target, MqttReasonCode code, MqttProperties? properties, in PacketSizes sizes, int shortest)
    {
        if (sizes.Remaining >= shortest)
        {
            target.Byte((byte)code);
        }

        if (sizes.Remaining > shortest)
        {
            PropertyWriter.Write(ref target, properties, sizes.Properties);
        }
    }

    private static int ReplySize(MqttPublishReply reply, bool v5, int properties, int block)
    {
        CheckPacketId(reply.PacketId);
        CheckReason(reply.Type, reply.ReasonCode);
        if (!v5 && reply.ReasonCode >= MqttReasonCode.UnspecifiedError
            && reply.Type is (MqttPacketType.Puback or MqttPacketType.Pubrec))
        {
            // Writing it without its code would acknowledge what was refused.
            throw new MqttProtocolException(
                reply.ReasonCode, $"MQTT 3.1.1 cannot refuse a message with {reply.Type}: close the connection.");
        }

        return !v5 || (reply.ReasonCode == MqttReasonCode.Success && properties == 0) ? 2 : properties == 0 ? 3 : 3 + block;
    }

    private static int DisconnectSize(MqttDisconnectPacket packet, bool v5, int properties, int block)
    {
        CheckReason(MqttPacketType.Disconnect, packet.ReasonCode);
        return !v5 || (packet.ReasonCode == MqttReasonCode.Success && properties == 0) ? 0 : properties == 0 ? 1 : 1 + block;
    }

    private static int AuthSize(MqttAuthPacket packet, bool v5, int properties, int block)
    {
        CheckReason(MqttPacketType.Auth, packet.ReasonCode);
        if (!v5)
        {
            throw Refuse.Protocol("MQTT 3.1.1 has no AUTH.");
        }

        if (packet.ReasonCode == MqttReasonCode.Success && properties == 0)
        {
            return 0;
        }

        return packet.Properties?.AuthenticationMethod is not null
            ? 1 + block
            : throw Refuse.Protocol("AUTH without authentication method.");
    }

    private static MqttProperties? PropertiesOf(MqttPacket packet) => packet switch
    {
        MqttConnectPacket p => p.Properties,
        MqttConnackPacket p => p.Properties,
        MqttPublishReply p => p.Properties,
        MqttSubscribePacket p => p.Properties,
        MqttSubackPacket p => p.Properties,
        MqttUnsubscribePacket p => p.Properties,
        MqttUnsubackPacket p => p.Properties,
        MqttDisconnectPacket p => p.Properties,
        MqttAuthPacket p => p.Properties,
        _ => null,
    };
}
