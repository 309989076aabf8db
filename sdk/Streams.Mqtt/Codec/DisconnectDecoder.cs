namespace Streams.Mqtt;

/// <summary>Decodes DISCONNECT (section 3.14) and AUTH (3.15).</summary>
internal static class DisconnectDecoder
{
    public static MqttDisconnectPacket DecodeDisconnect(ref BodyReader body, MqttDecodeOptions options)
    {
        if (options.Version != MqttVersion.V5 || body.AtEnd)
        {
            body.ExpectEnd(MqttPacketType.Disconnect);
            return new MqttDisconnectPacket();
        }

        MqttReasonCode code = ReadCode(ref body, MqttPacketType.Disconnect, options);
        MqttProperties? properties =
            body.AtEnd ? null : PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Disconnect), options);
        body.ExpectEnd(MqttPacketType.Disconnect);
        if (options.Role == MqttRole.Client && properties?.SessionExpiryInterval is not null)
        {
            throw Refuse.Protocol("A server does not send a session expiry interval in DISCONNECT.");
        }

        return new MqttDisconnectPacket { ReasonCode = code, Properties = properties };
    }

    public static MqttAuthPacket DecodeAuth(ref BodyReader body, MqttDecodeOptions options)
    {
        // An empty AUTH stands for success without properties, which only a server says.
        MqttReasonCode code = body.AtEnd && options.Role == MqttRole.Client
            ? MqttReasonCode.Success
            : ReadCode(ref body, MqttPacketType.Auth, options);
        if (body.AtEnd && code == MqttReasonCode.Success)
        {
            return new MqttAuthPacket();
        }

        MqttProperties? properties = PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Auth), options);
        body.ExpectEnd(MqttPacketType.Auth);
        return properties?.AuthenticationMethod is not null
            ? new MqttAuthPacket { ReasonCode = code, Properties = properties }
            : throw Refuse.Protocol("AUTH without authentication method.");
    }

    private static MqttReasonCode ReadCode(ref BodyReader body, MqttPacketType type, MqttDecodeOptions options)
    {
        MqttReasonCode code = (MqttReasonCode)body.ReadByte("reason code");
        return ReasonCodes.IsAllowed(type, code, options.Role)
            ? code
            : throw Refuse.Malformed($"Reason code 0x{(byte)code:X2} is not allowed in {type} to a {options.Role}.");
    }
}
