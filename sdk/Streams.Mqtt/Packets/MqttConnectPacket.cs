namespace Streams.Mqtt;

/// <summary>CONNECT: the first packet of a client. It fixes the protocol version of the connection.</summary>
public sealed class MqttConnectPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Connect;

    /// <summary>The version the client asks for. The writer writes the version it is given; this is what was read.</summary>
    public MqttVersion Version { get; init; } = MqttVersion.V5;

    /// <summary>The client identifier; empty asks the server to assign one (3.1.1: only with <see cref="CleanStart"/>).</summary>
    public string ClientId { get; init; } = "";

    /// <summary>Whether an existing session is thrown away (Clean Session in 3.1.1).</summary>
    public bool CleanStart { get; init; }

    /// <summary>Seconds within which the client sends something; 0 turns keep alive off.</summary>
    public ushort KeepAliveSeconds { get; init; }

    /// <summary>The user name, or <see langword="null"/>.</summary>
    public string? UserName { get; init; }

    /// <summary>The password, at most 65,535 bytes, or <see langword="null"/>. 3.1.1 does not allow it without a user name.</summary>
    public byte[]? Password { get; init; }

    /// <summary>The will, or <see langword="null"/>.</summary>
    public MqttWill? Will { get; init; }

    /// <summary>MQTT 5 properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
