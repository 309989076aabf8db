namespace Streams.Mqtt;

/// <summary>The outcome of an operation as MQTT 5 numbers it. Values from 0x80 on are failures. 3.1.1 codes are mapped to these.</summary>
public enum MqttReasonCode : byte
{
    /// <summary>Success; normal disconnection; granted QoS 0.</summary>
    Success = 0x00,

    /// <summary>SUBACK: granted QoS 1.</summary>
    GrantedQos1 = 0x01,

    /// <summary>SUBACK: granted QoS 2.</summary>
    GrantedQos2 = 0x02,

    /// <summary>DISCONNECT: the client leaves and wants its will published.</summary>
    DisconnectWithWill = 0x04,

    /// <summary>Accepted, but nobody subscribes.</summary>
    NoMatchingSubscribers = 0x10,

    /// <summary>UNSUBACK: there was no such subscription.</summary>
    NoSubscriptionExisted = 0x11,

    /// <summary>AUTH: go on with the exchange.</summary>
    ContinueAuthentication = 0x18,

    /// <summary>AUTH: the client starts a re-authentication.</summary>
    ReAuthenticate = 0x19,

    /// <summary>Failed, and the sender does not say why.</summary>
    UnspecifiedError = 0x80,

    /// <summary>The packet cannot be parsed by the standard.</summary>
    MalformedPacket = 0x81,

    /// <summary>The packet is well formed but not allowed here or now.</summary>
    ProtocolError = 0x82,

    /// <summary>Valid, but not accepted by this receiver.</summary>
    ImplementationSpecificError = 0x83,

    /// <summary>The protocol name or level is not spoken here.</summary>
    UnsupportedProtocolVersion = 0x84,

    /// <summary>The client identifier is not accepted.</summary>
    ClientIdentifierNotValid = 0x85,

    /// <summary>User name or password are not accepted.</summary>
    BadUserNameOrPassword = 0x86,

    /// <summary>The client may not do this.</summary>
    NotAuthorized = 0x87,

    /// <summary>The server cannot serve.</summary>
    ServerUnavailable = 0x88,

    /// <summary>The server is busy: try again later.</summary>
    ServerBusy = 0x89,

    /// <summary>The client has been banned.</summary>
    Banned = 0x8A,

    /// <summary>The server is shutting down.</summary>
    ServerShuttingDown = 0x8B,

    /// <summary>The authentication method is not supported, or is not the one in use.</summary>
    BadAuthenticationMethod = 0x8C,

    /// <summary>Nothing was heard for 1.5 times the keep alive.</summary>
    KeepAliveTimeout = 0x8D,

    /// <summary>Another connection came with the same client identifier.</summary>
    SessionTakenOver = 0x8E,

    /// <summary>The topic filter is not accepted.</summary>
    TopicFilterInvalid = 0x8F,

    /// <summary>The topic name is not accepted.</summary>
    TopicNameInvalid = 0x90,

    /// <summary>The packet identifier is already in use.</summary>
    PacketIdentifierInUse = 0x91,

    /// <summary>The packet identifier is not known.</summary>
    PacketIdentifierNotFound = 0x92,

    /// <summary>More unacknowledged messages than the receive maximum.</summary>
    ReceiveMaximumExceeded = 0x93,

    /// <summary>The topic alias is zero or above the topic alias maximum.</summary>
    TopicAliasInvalid = 0x94,

    /// <summary>The packet is larger than the maximum packet size.</summary>
    PacketTooLarge = 0x95,

    /// <summary>Too many messages per time.</summary>
    MessageRateTooHigh = 0x96,

    /// <summary>A limit set by the implementation or its operator is exceeded.</summary>
    QuotaExceeded = 0x97,

    /// <summary>Closed by an administrator.</summary>
    AdministrativeAction = 0x98,

    /// <summary>The payload is not what its format indicator says.</summary>
    PayloadFormatInvalid = 0x99,

    /// <summary>The server keeps no retained messages.</summary>
    RetainNotSupported = 0x9A,

    /// <summary>The QoS is above the server's maximum.</summary>
    QosNotSupported = 0x9B,

    /// <summary>Use another server for now.</summary>
    UseAnotherServer = 0x9C,

    /// <summary>Use another server from now on.</summary>
    ServerMoved = 0x9D,

    /// <summary>The server has no shared subscriptions.</summary>
    SharedSubscriptionsNotSupported = 0x9E,

    /// <summary>Too many connections per time.</summary>
    ConnectionRateExceeded = 0x9F,

    /// <summary>The time granted to this connection is over.</summary>
    MaximumConnectTime = 0xA0,

    /// <summary>The server has no subscription identifiers.</summary>
    SubscriptionIdentifiersNotSupported = 0xA1,

    /// <summary>The server has no wildcard subscriptions.</summary>
    WildcardSubscriptionsNotSupported = 0xA2,
}
