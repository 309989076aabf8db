namespace Streams.Mqtt;

/// <summary>The message a server publishes for a client that is gone without a proper DISCONNECT.</summary>
public sealed class MqttWill
{
    /// <summary>The topic: at least one character, no wildcards.</summary>
    public required string Topic { get; init; }

    /// <summary>The payload, at most 65,535 bytes. When decoded a copy: valid for ever.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The delivery promise of the will.</summary>
    public MqttQos Qos { get; init; }

    /// <summary>Whether the will is published as a retained message.</summary>
    public bool Retain { get; init; }

    /// <summary>MQTT 5: the will properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
