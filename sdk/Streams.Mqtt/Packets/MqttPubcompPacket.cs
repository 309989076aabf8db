namespace Streams.Mqtt;

/// <summary>PUBCOMP: QoS 2, the end of the exchange.</summary>
public sealed class MqttPubcompPacket : MqttPublishReply
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Pubcomp;
}
