namespace Streams.Mqtt;

/// <summary>Which end of the connection the receiver is. It decides which packets, properties and reason codes may arrive.</summary>
public enum MqttRole : byte
{
    /// <summary>The receiver is a server: what arrives was sent by a client.</summary>
    Server,

    /// <summary>The receiver is a client: what arrives was sent by a server.</summary>
    Client,
}
