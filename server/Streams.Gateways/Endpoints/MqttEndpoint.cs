using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>Where devices connect: over TCP or WebSocket, each in the clear or over TLS.</summary>
/// <param name="gateway">Who speaks MQTT.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where the web server logs.</param>
public sealed class MqttEndpoint(MqttGateway gateway, TimeProvider time, ILoggerFactory log)
{
    /// <summary>How long a client over WebSocket may take to answer a close frame: a round trip, and some.</summary>
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    /// <summary>Time for the request that becomes a WebSocket, and for a connection without one: as for CONNECT after it.</summary>
    private static readonly TimeSpan UpgradeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Listens for MQTT on TCP; in the clear when <paramref name="tls"/> is <see langword="null"/>.</summary>
    public Task<WebEndpoint> ListenAsync(string name, ListenAddress at, TlsKeeper? tls, CancellationToken cancellationToken) =>
        WebEndpoint.StartAsync(name, at, log, static _ => { }, listen =>
        {
            tls?.Secure(listen);
            listen.Run(new MqttConnectionHandler(gateway, name).OnConnectedAsync);
        }, static _ => { }, cancellationToken, limits => limits.MaxConcurrentConnections = gateway.MaxConnections);

    /// <summary>Listens for MQTT on WebSocket; in the clear when <paramref name="tls"/> is <see langword="null"/>.</summary>
    public Task<WebEndpoint> ListenWebSocketAsync(string name, ListenAddress at, TlsKeeper? tls, CancellationToken cancellationToken)
    {
        MqttWebSocketHandler handler = new(gateway, name, CloseLimit, time);
        return WebEndpoint.StartAsync(name, at, log, static _ => { }, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            tls?.Secure(listen, SslApplicationProtocol.Http11);
        }, app =>
        {
            // MQTT has its own keep alive, in which the client is told what is expected of it.
            app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
            app.UseRouting();
            app.Map(MqttWebSocketHandler.Path, context => handler.ServeAsync(context, app.Lifetime.ApplicationStopping));
        }, cancellationToken, limits =>
        {
            limits.MaxConcurrentConnections = gateway.MaxConnections;
            limits.RequestHeadersTimeout = UpgradeLimit;
            limits.KeepAliveTimeout = UpgradeLimit;

            // A subscriber may stop reading for as long as its keep alive allows, as on TCP.
            limits.MinResponseDataRate = null;
        });
    }
}
