namespace Streams.Mqtt;

/// <summary>UNSUBACK: the answer to UNSUBSCRIBE.</summary>
public sealed class MqttUnsubackPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Unsuback;

    /// <summary>The packet identifier of the UNSUBSCRIBE.</summary>
    public required ushort PacketId { get; init; }

    /// <summary>MQTT 5: one outcome per filter, in order. Empty when read from 3.1.1, which has none; not written there.</summary>
    public IReadOnlyList<MqttReasonCode> ReasonCodes { get; init; } = [];

    /// <summary>MQTT 5: reason string and user properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
