namespace Streams.Mqtt;

/// <summary>AUTH: one step of an extended authentication. MQTT 5 only.</summary>
public sealed class MqttAuthPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Auth;

    /// <summary>Success (server), continue (both) or re-authenticate (client).</summary>
    public MqttReasonCode ReasonCode { get; init; }

    /// <summary>Method, data, reason string, user properties. The method is required unless the packet is a bare success.</summary>
    public MqttProperties? Properties { get; init; }
}
