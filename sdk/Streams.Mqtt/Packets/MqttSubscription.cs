namespace Streams.Mqtt;

/// <summary>One filter of SUBSCRIBE with its options.</summary>
public readonly record struct MqttSubscription
{
    /// <summary>Makes a subscription with the options of 3.1.1.</summary>
    /// <param name="filter">The topic filter, possibly <c>$share/group/filter</c>.</param>
    /// <param name="qos">The highest QoS wanted.</param>
    public MqttSubscription(string filter, MqttQos qos = MqttQos.AtMostOnce)
    {
        Filter = filter;
        Qos = qos;
    }

    /// <summary>The topic filter, possibly <c>$share/group/filter</c>.</summary>
    public string Filter { get; init; }

    /// <summary>The highest QoS wanted.</summary>
    public MqttQos Qos { get; init; }

    /// <summary>MQTT 5: own messages are not sent back; not allowed with a shared filter.</summary>
    public bool NoLocal { get; init; }

    /// <summary>MQTT 5: forwarded messages keep the retain flag they were published with.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>MQTT 5: whether retained messages are sent now.</summary>
    public MqttRetainHandling RetainHandling { get; init; }
}
