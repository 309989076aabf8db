namespace Streams.Mqtt;

/// <summary>DISCONNECT: nothing follows it. In 3.1.1 only a client sends it, without reason code.</summary>
public sealed class MqttDisconnectPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Disconnect;

    /// <summary>Why. Always <see cref="MqttReasonCode.Success"/> when read from 3.1.1.</summary>
    public MqttReasonCode ReasonCode { get; init; }

    /// <summary>MQTT 5 properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
