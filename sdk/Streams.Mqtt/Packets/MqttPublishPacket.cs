using System.Buffers;

namespace Streams.Mqtt;

/// <summary>PUBLISH: one application message.</summary>
public sealed class MqttPublishPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Publish;

    /// <summary>The topic. Empty only in MQTT 5 with a topic alias that stands for it.</summary>
    public string Topic { get; init; } = "";

    /// <summary>
    /// The message. When decoded it is a slice of the receive buffer, owned by the reader of that buffer and valid only until it
    /// reads the next packet: whoever keeps it longer copies it. When written it must stay unchanged until the write call returns.
    /// </summary>
    public ReadOnlySequence<byte> Payload { get; init; }

    /// <summary>The delivery promise.</summary>
    public MqttQos Qos { get; init; }

    /// <summary>Whether the server keeps (client to server) or kept (server to client) the message for later subscribers.</summary>
    public bool Retain { get; init; }

    /// <summary>Whether this may be a repetition; never with QoS 0.</summary>
    public bool Duplicate { get; init; }

    /// <summary>The packet identifier: 0 with QoS 0, 1 to 65,535 otherwise.</summary>
    public ushort PacketId { get; init; }

    /// <summary>MQTT 5 properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }

    internal MqttPublishPacket With(string topic, ReadOnlySequence<byte> payload) => new()
    {
        Topic = topic,
        Payload = payload,
        Qos = Qos,
        Retain = Retain,
        Duplicate = Duplicate,
        PacketId = PacketId,
        Properties = Properties,
    };
}
