namespace Streams.Mqtt;

/// <summary>One control packet as data. Knows nothing of bytes, connections or sessions.</summary>
public abstract class MqttPacket
{
    /// <summary>The kind of this packet.</summary>
    public abstract MqttPacketType Type { get; }
}
