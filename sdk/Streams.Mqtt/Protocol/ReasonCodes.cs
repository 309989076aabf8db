using static Streams.Mqtt.MqttReasonCode;

namespace Streams.Mqtt;

/// <summary>Which reason codes may stand in which packet (MQTT 5, tables of chapter 3), and the mapping to and from 3.1.1.</summary>
internal static class ReasonCodes
{
    public static bool IsAllowed(MqttPacketType type, MqttReasonCode code, MqttRole receiver) => type switch
    {
        MqttPacketType.Connack => InConnack(code),
        MqttPacketType.Puback or MqttPacketType.Pubrec => code is Success or NoMatchingSubscribers or UnspecifiedError
            or ImplementationSpecificError or NotAuthorized or TopicNameInvalid or PacketIdentifierInUse or QuotaExceeded
            or PayloadFormatInvalid,
        MqttPacketType.Pubrel or MqttPacketType.Pubcomp => code is Success or PacketIdentifierNotFound,
        MqttPacketType.Suback => code is Success or GrantedQos1 or GrantedQos2 or UnspecifiedError or ImplementationSpecificError
            or NotAuthorized or TopicFilterInvalid or PacketIdentifierInUse or QuotaExceeded or SharedSubscriptionsNotSupported
            or SubscriptionIdentifiersNotSupported or WildcardSubscriptionsNotSupported,
        MqttPacketType.Unsuback => code is Success or NoSubscriptionExisted or UnspecifiedError or ImplementationSpecificError
            or NotAuthorized or TopicFilterInvalid or PacketIdentifierInUse,
        MqttPacketType.Disconnect => receiver == MqttRole.Server ? InClientDisconnect(code) : InServerDisconnect(code),
        MqttPacketType.Auth => receiver == MqttRole.Server
            ? code is ContinueAuthentication or ReAuthenticate
            : code is Success or ContinueAuthentication,
        _ => false,
    };

    /// <summary>The 3.1.1 CONNACK return code; what 3.1.1 has no word for becomes "server unavailable".</summary>
    public static byte ToConnackV311(MqttReasonCode code) => code switch
    {
        Success => 0,
        UnsupportedProtocolVersion => 1,
        ClientIdentifierNotValid => 2,
        BadUserNameOrPassword => 4,
        NotAuthorized or Banned or BadAuthenticationMethod => 5,
        _ => 3,
    };

    public static MqttReasonCode FromConnackV311(byte code) => code switch
    {
        0 => Success,
        1 => UnsupportedProtocolVersion,
        2 => ClientIdentifierNotValid,
        3 => ServerUnavailable,
        4 => BadUserNameOrPassword,
        5 => NotAuthorized,
        _ => throw Refuse.Malformed($"CONNACK return code {code} is reserved in MQTT 3.1.1."),
    };

    public static byte ToSubackV311(MqttReasonCode code) => code < UnspecifiedError ? (byte)code : (byte)UnspecifiedError;

    private static bool InConnack(MqttReasonCode code) => code is Success
        or (>= UnspecifiedError and <= Banned)
        or BadAuthenticationMethod or TopicNameInvalid or PacketTooLarge or QuotaExceeded or PayloadFormatInvalid
        or RetainNotSupported or QosNotSupported or UseAnotherServer or ServerMoved or ConnectionRateExceeded;

    private static bool InClientDisconnect(MqttReasonCode code) => code is Success or DisconnectWithWill
        or (>= UnspecifiedError and <= ImplementationSpecificError)
        or BadAuthenticationMethod or TopicNameInvalid
        or (>= ReceiveMaximumExceeded and <= PayloadFormatInvalid);

    private static bool InServerDisconnect(MqttReasonCode code) => code is Success
        or (>= UnspecifiedError and <= ImplementationSpecificError)
        or NotAuthorized or ServerBusy
        or (>= ServerShuttingDown and <= TopicNameInvalid)
        or (>= ReceiveMaximumExceeded and <= WildcardSubscriptionsNotSupported);
}
