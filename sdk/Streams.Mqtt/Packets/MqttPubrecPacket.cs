namespace Streams.Mqtt;

/// <summary>PUBREC: QoS 2, first answer. A failure ends the exchange, and cannot be written in 3.1.1.</summary>
public sealed class MqttPubrecPacket : MqttPublishReply
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Pubrec;
}
