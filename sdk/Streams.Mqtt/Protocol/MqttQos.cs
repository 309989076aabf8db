namespace Streams.Mqtt;

/// <summary>The delivery promise of one message.</summary>
public enum MqttQos : byte
{
    /// <summary>At most once: no acknowledgement, may be lost.</summary>
    AtMostOnce = 0,

    /// <summary>At least once: acknowledged with PUBACK, may arrive twice.</summary>
    AtLeastOnce = 1,

    /// <summary>Exactly once within one session: PUBREC, PUBREL, PUBCOMP.</summary>
    ExactlyOnce = 2,
}
