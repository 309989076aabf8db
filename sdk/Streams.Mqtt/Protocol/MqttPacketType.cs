namespace Streams.Mqtt;

/// <summary>The kind of a control packet: the upper four bits of its first byte.</summary>
public enum MqttPacketType : byte
{
    /// <summary>Client to server: the first packet of a connection.</summary>
    Connect = 1,

    /// <summary>Server to client: the answer to CONNECT.</summary>
    Connack = 2,

    /// <summary>Both ways: an application message.</summary>
    Publish = 3,

    /// <summary>Both ways: the answer to a QoS 1 PUBLISH.</summary>
    Puback = 4,

    /// <summary>Both ways: QoS 2, first answer.</summary>
    Pubrec = 5,

    /// <summary>Both ways: QoS 2, release by the sender.</summary>
    Pubrel = 6,

    /// <summary>Both ways: QoS 2, last answer.</summary>
    Pubcomp = 7,

    /// <summary>Client to server: asks for messages of topic filters.</summary>
    Subscribe = 8,

    /// <summary>Server to client: one reason code per filter of SUBSCRIBE.</summary>
    Suback = 9,

    /// <summary>Client to server: ends subscriptions.</summary>
    Unsubscribe = 10,

    /// <summary>Server to client: the answer to UNSUBSCRIBE.</summary>
    Unsuback = 11,

    /// <summary>Client to server: a sign of life.</summary>
    Pingreq = 12,

    /// <summary>Server to client: the answer to PINGREQ.</summary>
    Pingresp = 13,

    /// <summary>The last packet of a connection; in 3.1.1 from the client only.</summary>
    Disconnect = 14,

    /// <summary>MQTT 5, both ways: extended authentication.</summary>
    Auth = 15,
}
