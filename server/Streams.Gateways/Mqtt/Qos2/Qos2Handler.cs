using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>PUBREC, PUBREL and PUBCOMP from a client. QoS 2 is announced as not there (Maximum QoS, QoS granted): so they answer nothing
/// that was sent, and end the connection.</summary>
internal sealed class Qos2Handler
{
    /// <summary>The client has a message that it was given.</summary>
    /// <exception cref="MqttProtocolException">Always.</exception>
    public ValueTask HandleAsync(MqttSession session, MqttPubrecPacket packet) => throw NoPlace(packet);

    /// <summary>The client lets go of the identifier of a message that it published.</summary>
    /// <exception cref="MqttProtocolException">Always.</exception>
    public ValueTask HandleAsync(MqttSession session, MqttPubrelPacket packet) => throw NoPlace(packet);

    /// <summary>The client lets go of the identifier of a message that it was given.</summary>
    /// <exception cref="MqttProtocolException">Always.</exception>
    public ValueTask HandleAsync(MqttSession session, MqttPubcompPacket packet) => throw NoPlace(packet);

    private static MqttProtocolException NoPlace(MqttPacket packet) => new(MqttReasonCode.ProtocolError,
        $"{packet.Type} has no place here: QoS 2 is not used on this connection");
}
