namespace Streams.Mqtt;

/// <summary>PINGREQ: the client's sign of life. Has no content: there is one instance.</summary>
public sealed class MqttPingreqPacket : MqttPacket
{
    private MqttPingreqPacket()
    {
    }

    /// <summary>The one instance.</summary>
    public static MqttPingreqPacket Instance { get; } = new();

    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Pingreq;
}
