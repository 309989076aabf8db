namespace Streams.Mqtt;

/// <summary>Everything of a PUBLISH but its payload, for writing without making a packet object.</summary>
public readonly record struct MqttPublishHead
{
    /// <summary>The topic; not used when <see cref="TopicUtf8"/> is given. Empty only in MQTT 5 with a topic alias.</summary>
    public string? Topic { get; init; }

    /// <summary>The topic as UTF-8 bytes that are known to be a valid topic name, or empty to use <see cref="Topic"/>.</summary>
    public ReadOnlyMemory<byte> TopicUtf8 { get; init; }

    /// <summary>The delivery promise.</summary>
    public MqttQos Qos { get; init; }

    /// <summary>The retain flag.</summary>
    public bool Retain { get; init; }

    /// <summary>The duplicate flag; not with QoS 0.</summary>
    public bool Duplicate { get; init; }

    /// <summary>The packet identifier: 0 with QoS 0, 1 to 65,535 otherwise.</summary>
    public ushort PacketId { get; init; }

    /// <summary>MQTT 5 properties, or <see langword="null"/>; dropped for 3.1.1.</summary>
    public MqttProperties? Properties { get; init; }

    /// <summary>MQTT 5: a topic alias, set by this packet or, with an empty topic, used by it; 0 for none. Not together with
    /// <see cref="MqttProperties.TopicAlias"/>.</summary>
    public ushort TopicAlias { get; init; }

    /// <summary>
    /// Further properties as encoded bytes (see <see cref="MqttPacketWriter.WriteUserProperty"/>), without a length, written behind
    /// <see cref="Properties"/> as they are; dropped for 3.1.1. They are not checked.
    /// </summary>
    public ReadOnlyMemory<byte> EncodedProperties { get; init; }
}
