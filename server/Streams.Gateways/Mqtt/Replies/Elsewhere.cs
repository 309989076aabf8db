using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Sends clients away: to the servers that the operator named, where there are such.</summary>
internal static class Elsewhere
{
    /// <summary>The DISCONNECT that ends a connection. One because this server cannot go on says which others can.</summary>
    public static MqttDisconnectPacket Disconnect(MqttReasonCode code, string reason, string? servers)
    {
        bool refers = servers is not null && code == MqttReasonCode.ServerShuttingDown;
        return new MqttDisconnectPacket
        {
            ReasonCode = refers ? MqttReasonCode.UseAnotherServer : code,
            Properties = new MqttProperties { ReasonString = reason, ServerReference = refers ? servers : null },
        };
    }

    /// <summary>The CONNACK to a client that comes while this server goes down.</summary>
    public static MqttConnackPacket Connack(string reason, string? servers) => new()
    {
        ReasonCode = servers is null ? MqttReasonCode.ServerUnavailable : MqttReasonCode.UseAnotherServer,
        Properties = new MqttProperties { ReasonString = reason, ServerReference = servers },
    };
}
