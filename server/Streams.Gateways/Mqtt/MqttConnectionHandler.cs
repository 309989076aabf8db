using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Streams.Gateways;

/// <summary>Serves MQTT on the connections of a Kestrel endpoint, with or without TLS.</summary>
public sealed class MqttConnectionHandler(MqttGateway gateway) : ConnectionHandler
{
    /// <inheritdoc/>
    public override Task OnConnectedAsync(ConnectionContext connection) =>
        gateway.ServeAsync(
            connection.Transport,
            connection.RemoteEndPoint?.ToString() ?? connection.ConnectionId,
            ClientCertificate.Of(connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate),
            connection.ConnectionClosed);
}
