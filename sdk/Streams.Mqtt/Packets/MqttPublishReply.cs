namespace Streams.Mqtt;

/// <summary>What PUBACK, PUBREC, PUBREL and PUBCOMP have in common.</summary>
public abstract class MqttPublishReply : MqttPacket
{
    /// <summary>The packet identifier of the PUBLISH, 1 to 65,535.</summary>
    public required ushort PacketId { get; init; }

    /// <summary>The outcome. Always <see cref="MqttReasonCode.Success"/> when read from 3.1.1, which has no field for it.</summary>
    public MqttReasonCode ReasonCode { get; init; }

    /// <summary>MQTT 5: reason string and user properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
