namespace Streams.Mqtt;

/// <summary>CONNACK: the server's answer to CONNECT.</summary>
public sealed class MqttConnackPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Connack;

    /// <summary>Whether the server continues a session; only with <see cref="MqttReasonCode.Success"/>.</summary>
    public bool SessionPresent { get; init; }

    /// <summary>The outcome; mapped to and from the six return codes of 3.1.1.</summary>
    public MqttReasonCode ReasonCode { get; init; }

    /// <summary>MQTT 5 properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
