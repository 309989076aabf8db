namespace Streams.Mqtt;

/// <summary>The identifiers of MQTT 5 properties, their data type and where they may stand.</summary>
public enum MqttPropertyId : byte
{
    /// <summary>Byte; PUBLISH, will.</summary>
    PayloadFormatIndicator = 0x01,

    /// <summary>Four byte integer, seconds; PUBLISH, will.</summary>
    MessageExpiryInterval = 0x02,

    /// <summary>String; PUBLISH, will.</summary>
    ContentType = 0x03,

    /// <summary>String; PUBLISH, will.</summary>
    ResponseTopic = 0x08,

    /// <summary>Binary; PUBLISH, will.</summary>
    CorrelationData = 0x09,

    /// <summary>Variable byte integer; PUBLISH (repeatable), SUBSCRIBE.</summary>
    SubscriptionIdentifier = 0x0B,

    /// <summary>Four byte integer, seconds; CONNECT, CONNACK, DISCONNECT.</summary>
    SessionExpiryInterval = 0x11,

    /// <summary>String; CONNACK.</summary>
    AssignedClientIdentifier = 0x12,

    /// <summary>Two byte integer, seconds; CONNACK.</summary>
    ServerKeepAlive = 0x13,

    /// <summary>String; CONNECT, CONNACK, AUTH.</summary>
    AuthenticationMethod = 0x15,

    /// <summary>Binary; CONNECT, CONNACK, AUTH.</summary>
    AuthenticationData = 0x16,

    /// <summary>Byte 0 or 1; CONNECT.</summary>
    RequestProblemInformation = 0x17,

    /// <summary>Four byte integer, seconds; will.</summary>
    WillDelayInterval = 0x18,

    /// <summary>Byte 0 or 1; CONNECT.</summary>
    RequestResponseInformation = 0x19,

    /// <summary>String; CONNACK.</summary>
    ResponseInformation = 0x1A,

    /// <summary>String; CONNACK, DISCONNECT.</summary>
    ServerReference = 0x1C,

    /// <summary>String; every answer, DISCONNECT, AUTH.</summary>
    ReasonString = 0x1F,

    /// <summary>Two byte integer, not 0; CONNECT, CONNACK.</summary>
    ReceiveMaximum = 0x21,

    /// <summary>Two byte integer; CONNECT, CONNACK.</summary>
    TopicAliasMaximum = 0x22,

    /// <summary>Two byte integer, not 0; PUBLISH.</summary>
    TopicAlias = 0x23,

    /// <summary>Byte 0 or 1; CONNACK.</summary>
    MaximumQos = 0x24,

    /// <summary>Byte 0 or 1; CONNACK.</summary>
    RetainAvailable = 0x25,

    /// <summary>String pair, repeatable; every packet with properties.</summary>
    UserProperty = 0x26,

    /// <summary>Four byte integer, not 0; CONNECT, CONNACK.</summary>
    MaximumPacketSize = 0x27,

    /// <summary>Byte 0 or 1; CONNACK.</summary>
    WildcardSubscriptionAvailable = 0x28,

    /// <summary>Byte 0 or 1; CONNACK.</summary>
    SubscriptionIdentifierAvailable = 0x29,

    /// <summary>Byte 0 or 1; CONNACK.</summary>
    SharedSubscriptionAvailable = 0x2A,
}
