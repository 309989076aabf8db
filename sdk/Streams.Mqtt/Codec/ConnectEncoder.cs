namespace Streams.Mqtt;

/// <summary>Sizes and writes CONNECT and CONNACK.</summary>
internal static class ConnectEncoder
{
    // Protocol name, level, flags, keep alive.
    private const int FixedPart = 10;

    public static long Size(MqttConnectPacket packet, MqttVersion version, int block, out int willProperties)
    {
        bool v5 = version == MqttVersion.V5;
        willProperties = 0;
        if (!v5 && packet.Password is not null && packet.UserName is null)
        {
            throw Refuse.Malformed("MQTT 3.1.1: a password needs a user name.");
        }

        if (!v5 && packet.ClientId.Length == 0 && !packet.CleanStart)
        {
            throw new MqttProtocolException(
                MqttReasonCode.ClientIdentifierNotValid, "MQTT 3.1.1: an empty client identifier needs a clean session.");
        }

        long length = FixedPart + block + Utf8Text.PrefixedSize(packet.ClientId, "client identifier");
        if (packet.Will is { } will)
        {
            if (TopicFilter.FaultInName(will.Topic) is { } fault)
            {
                throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, "Will topic: " + fault);
            }

            if (will.Qos > MqttQos.ExactlyOnce)
            {
                throw Refuse.Malformed("Will QoS 3 does not exist.");
            }

            willProperties = v5 ? PropertyWriter.Size(will.Properties, PropertyTable.Will) : 0;
            length += (v5 ? VariableByteInteger.Size((uint)willProperties) + willProperties : 0)
                + Utf8Text.PrefixedSize(will.Topic, "will topic")
                + SpanWriter.BinarySize(will.Payload.Span, "will payload");
        }

        length += packet.UserName is null ? 0 : Utf8Text.PrefixedSize(packet.UserName, "user name");
        return length + (packet.Password is { } password ? SpanWriter.BinarySize(password, "password") : 0);
    }

    public static long Size(MqttConnackPacket packet, int block)
    {
        PacketEncoder.CheckReason(MqttPacketType.Connack, packet.ReasonCode);
        return packet.SessionPresent && packet.ReasonCode != MqttReasonCode.Success
            ? throw Refuse.Protocol("CONNACK refuses the connection and says that a session is present.")
            : 2 + block;
    }

    public static void Write(ref SpanWriter target, MqttConnectPacket packet, MqttVersion version, in PacketSizes sizes)
    {
        bool v5 = version == MqttVersion.V5;
        target.Binary("MQTT"u8);
        target.Byte((byte)version);
        target.Byte(FlagsOf(packet));
        target.UInt16(packet.KeepAliveSeconds);
        if (v5)
        {
            PropertyWriter.Write(ref target, packet.Properties, sizes.Properties);
        }

        target.Text(packet.ClientId);
        if (packet.Will is { } will)
        {
            if (v5)
            {
                PropertyWriter.Write(ref target, will.Properties, sizes.WillProperties);
            }

            target.Text(will.Topic);
            target.Binary(will.Payload.Span);
        }

        if (packet.UserName is not null)
        {
            target.Text(packet.UserName);
        }

        if (packet.Password is { } password)
        {
            target.Binary(password);
        }
    }

    public static void Write(ref SpanWriter target, MqttConnackPacket packet, MqttVersion version, in PacketSizes sizes)
    {
        target.Byte(packet.SessionPresent ? (byte)1 : (byte)0);
        if (version == MqttVersion.V5)
        {
            target.Byte((byte)packet.ReasonCode);
            PropertyWriter.Write(ref target, packet.Properties, sizes.Properties);
        }
        else
        {
            target.Byte(ReasonCodes.ToConnackV311(packet.ReasonCode));
        }
    }

    private static byte FlagsOf(MqttConnectPacket packet)
    {
        int flags = packet.CleanStart ? 0x02 : 0;
        if (packet.Will is { } will)
        {
            flags |= 0x04 | ((int)will.Qos << 3) | (will.Retain ? 0x20 : 0);
        }

        return (byte)(flags | (packet.Password is null ? 0 : 0x40) | (packet.UserName is null ? 0 : 0x80));
    }
}
