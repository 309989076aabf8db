namespace Streams.Mqtt;

/// <summary>Decodes CONNECT (MQTT 5 and 3.1.1, section 3.1) and CONNACK (3.2).</summary>
internal static class ConnectDecoder
{
    private const byte ReservedFlag = 0x01;
    private const byte CleanStartFlag = 0x02;
    private const byte WillFlag = 0x04;
    private const byte WillQosFlags = 0x18;
    private const byte WillRetainFlag = 0x20;
    private const byte PasswordFlag = 0x40;
    private const byte UserNameFlag = 0x80;

    public static MqttConnectPacket DecodeConnect(ref BodyReader body, MqttDecodeOptions options, bool paddedLength)
    {
        MqttVersion version = ReadVersion(ref body);
        try
        {
            return DecodeConnect(ref body, options, version, paddedLength);
        }
        catch (MqttProtocolException e)
        {
            e.AnswerIn = version;
            throw;
        }
    }

    public static MqttConnackPacket DecodeConnack(ref BodyReader body, MqttDecodeOptions options)
    {
        byte flags = body.ReadByte("acknowledge flags");
        if (flags > 1)
        {
            throw Refuse.Malformed("Reserved bits of the CONNACK acknowledge flags are set.");
        }

        byte code = body.ReadByte("reason code");
        bool v5 = options.Version == MqttVersion.V5;
        MqttReasonCode reason = v5 ? (MqttReasonCode)code : ReasonCodes.FromConnackV311(code);
        if (!ReasonCodes.IsAllowed(MqttPacketType.Connack, reason, options.Role))
        {
            throw Refuse.Malformed($"Reason code 0x{code:X2} is not allowed in CONNACK.");
        }

        if (flags == 1 && reason != MqttReasonCode.Success)
        {
            throw Refuse.Protocol("CONNACK refuses the connection and says that a session is present.");
        }

        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Connack), options) : null;
        body.ExpectEnd(MqttPacketType.Connack);
        return new MqttConnackPacket { SessionPresent = flags == 1, ReasonCode = reason, Properties = properties };
    }

    private static MqttVersion ReadVersion(ref BodyReader body)
    {
        string name = body.ReadString("protocol name");
        byte level = body.ReadByte("protocol level");
        if (name == "MQTT" && level is ((byte)MqttVersion.V311 or (byte)MqttVersion.V5))
        {
            return (MqttVersion)level;
        }

        string text = name == "MQIsdp" && level == 3
            ? "MQTT 3.1 is not supported: use 3.1.1 or 5."
            : $"Protocol \"{Shorten(name)}\" level {level} is not supported: use MQTT 3.1.1 or 5.";
        throw new MqttProtocolException(MqttReasonCode.UnsupportedProtocolVersion, text)
        {
            AnswerIn = level > (byte)MqttVersion.V5 && name == "MQTT" ? MqttVersion.V5 : MqttVersion.V311,
        };
    }

    private static MqttConnectPacket DecodeConnect(
        ref BodyReader body, MqttDecodeOptions options, MqttVersion version, bool paddedLength)
    {
        bool v5 = version == MqttVersion.V5;
        if (v5 && paddedLength)
        {
            throw Refuse.Malformed("The remaining length uses more bytes than its value needs.");
        }

        byte flags = body.ReadByte("connect flags");
        CheckFlags(flags, v5);
        ushort keepAlive = body.ReadUInt16("keep alive");
        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Connect), options) : null;
        string clientId = body.ReadString("client identifier");
        bool cleanStart = (flags & CleanStartFlag) != 0;
        if (!v5 && clientId.Length == 0 && !cleanStart)
        {
            throw new MqttProtocolException(
                MqttReasonCode.ClientIdentifierNotValid, "MQTT 3.1.1: an empty client identifier needs a clean session.");
        }

        MqttWill? will = (flags & WillFlag) != 0 ? ReadWill(ref body, options, flags, v5) : null;
        string? userName = (flags & UserNameFlag) != 0 ? body.ReadString("user name") : null;
        byte[]? password = (flags & PasswordFlag) != 0 ? body.ReadBinary("password") : null;
        body.ExpectEnd(MqttPacketType.Connect);
        return new MqttConnectPacket
        {
            Version = version,
            ClientId = clientId,
            CleanStart = cleanStart,
            KeepAliveSeconds = keepAlive,
            UserName = userName,
            Password = password,
            Will = will,
            Properties = properties,
        };
    }

    private static void CheckFlags(byte flags, bool v5)
    {
        if ((flags & ReservedFlag) != 0)
        {
            throw Refuse.Malformed("The reserved bit of the connect flags is set.");
        }

        if ((flags & WillFlag) == 0 && (flags & (WillQosFlags | WillRetainFlag)) != 0)
        {
            throw Refuse.Malformed("Will QoS or will retain is set without a will.");
        }

        if ((flags & WillQosFlags) == WillQosFlags)
        {
            throw Refuse.Malformed("Will QoS 3 does not exist.");
        }

        if (!v5 && (flags & (UserNameFlag | PasswordFlag)) == PasswordFlag)
        {
            throw Refuse.Malformed("MQTT 3.1.1: a password needs a user name.");
        }
    }

    private static MqttWill ReadWill(ref BodyReader body, MqttDecodeOptions options, byte flags, bool v5)
    {
        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Will, options) : null;
        string topic = body.ReadTopicName(null);
        if (topic.Length == 0)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, "The will topic is empty.");
        }

        return new MqttWill
        {
            Topic = topic,
            Payload = body.ReadBinary("will payload"),
            Qos = (MqttQos)((flags & WillQosFlags) >> 3),
            Retain = (flags & WillRetainFlag) != 0,
            Properties = properties,
        };
    }

    private static string Shorten(string name) => name.Length <= 16 ? name : name[..16] + "…";
}
