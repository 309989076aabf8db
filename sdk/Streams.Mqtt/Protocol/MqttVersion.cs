namespace Streams.Mqtt;

/// <summary>
/// The protocol level a connection speaks, as it stands in byte 7 of CONNECT. Level 3 (MQTT 3.1) is recognised and refused.
/// </summary>
public enum MqttVersion : byte
{
    /// <summary>MQTT 3.1.1, protocol level 4.</summary>
    V311 = 4,

    /// <summary>MQTT 5.0, protocol level 5.</summary>
    V5 = 5,
}
