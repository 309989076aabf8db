namespace Streams.Mqtt;

/// <summary>SUBACK: one reason code per filter of the SUBSCRIBE, in its order.</summary>
public sealed class MqttSubackPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Suback;

    /// <summary>The packet identifier of the SUBSCRIBE.</summary>
    public required ushort PacketId { get; init; }

    /// <summary>The outcomes, at least one. Every failure becomes 0x80 in 3.1.1.</summary>
    public required IReadOnlyList<MqttReasonCode> ReasonCodes { get; init; }

    /// <summary>MQTT 5: reason string and user properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
