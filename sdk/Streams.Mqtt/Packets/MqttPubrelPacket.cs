namespace Streams.Mqtt;

/// <summary>PUBREL: QoS 2, the sender lets go of the packet identifier.</summary>
public sealed class MqttPubrelPacket : MqttPublishReply
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Pubrel;
}
