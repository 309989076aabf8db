using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Streams.Gateways;

/// <summary>Serves MQTT on the connections of a Kestrel endpoint, with or without TLS.</summary>
/// <param name="gateway">Who speaks MQTT.</param>
/// <param name="listener">The name of the listener, for access rules.</param>
public sealed class MqttConnectionHandler(MqttGateway gateway, string listener = "") : ConnectionHandler
{
    /// <inheritdoc/>
    public override Task OnConnectedAsync(ConnectionContext connection) =>
        gateway.ServeAsync(
            connection.Transport,
            new ClientOrigin(connection.RemoteEndPoint?.ToString() ?? connection.ConnectionId,
                ClientCertificate.Of(connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate), listener),
            connection.ConnectionClosed);
}
