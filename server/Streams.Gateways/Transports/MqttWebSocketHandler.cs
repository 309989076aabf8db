using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Streams.Gateways;

/// <summary>Serves MQTT over WebSocket, plain or over TLS, on the requests of one path.</summary>
/// <param name="gateway">Who speaks MQTT.</param>
/// <param name="listener">The name of the listener, for access rules.</param>
/// <param name="closeLimit">How long a client may take to answer a close frame.</param>
/// <param name="time">The clock.</param>
public sealed class MqttWebSocketHandler(MqttGateway gateway, string listener, TimeSpan closeLimit, TimeProvider time)
{
    /// <summary>The path, the same as in other brokers: clients have it as their default.</summary>
    public const string Path = "/mqtt";

    /// <summary>The subprotocol that a client must offer, and is given (MQTT-6.0.0-3, -4). Case counts.</summary>
    public const string Protocol = "mqtt";

    /// <summary>Serves one request until its connection ends.</summary>
    /// <param name="context">The request; WebSockets must be enabled.</param>
    /// <param name="stopping">Ends the connection: the client is told that the server shuts down.</param>
    public async Task ServeAsync(HttpContext context, CancellationToken stopping)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await RefuseAsync(context, StatusCodes.Status426UpgradeRequired, "MQTT is spoken here, over WebSocket.").ConfigureAwait(false);
            return;
        }

        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "The client must offer the subprotocol 'mqtt'.")
                .ConfigureAwait(false);
            return;
        }

        ConnectionInfo connection = context.Connection;
        string remote = connection.RemoteIpAddress is { } ip ? new IPEndPoint(ip, connection.RemotePort).ToString() : connection.Id;
        ClientCertificate? certificate = ClientCertificate.Of(context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate);
        WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(Protocol).ConfigureAwait(false);
        WebSocketDuplexPipe pipe = new(socket, closeLimit, time);
        await using (pipe.ConfigureAwait(false))
        {
            // That the connection ended is told by the pipe, behind what came before: the request's own token would overtake it.
            await gateway.ServeAsync(pipe, new ClientOrigin(remote, certificate, listener), stopping).ConfigureAwait(false);
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(why + "\n");
    }
}
