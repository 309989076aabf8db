namespace Streams.Mqtt;

/// <summary>PUBACK: the answer to a QoS 1 PUBLISH. A failure cannot be written in 3.1.1: close the connection instead.</summary>
public sealed class MqttPubackPacket : MqttPublishReply
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Puback;
}
