namespace Streams.Mqtt;

/// <summary>PINGRESP: the server's answer to PINGREQ. Has no content: there is one instance.</summary>
public sealed class MqttPingrespPacket : MqttPacket
{
    private MqttPingrespPacket()
    {
    }

    /// <summary>The one instance.</summary>
    public static MqttPingrespPacket Instance { get; } = new();

    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Pingresp;
}
