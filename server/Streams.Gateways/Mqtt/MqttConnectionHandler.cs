using Microsoft.AspNetCore.Connections;

namespace Streams.Gateways;

/// <summary>Serves MQTT on the connections of a Kestrel endpoint, with or without TLS.</summary>
public sealed class MqttConnectionHandler(MqttGateway gateway) : ConnectionHandler
{
    /// <inheritdoc/>
    public override Task OnConnectedAsync(ConnectionContext connection) =>
        gateway.ServeAsync(connection.Transport, connection.RemoteEndPoint?.ToString()
            ?? connection.ConnectionId, connection.ConnectionClosed);
}
