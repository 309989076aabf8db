using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>The step that opens the endpoints of devices: TCP and WebSocket, each in the clear and over TLS.</summary>
internal sealed partial class ServerStart
{
    /// <summary>How long a client over WebSocket may take to answer a close frame: a round trip, and some.</summary>
    private static readonly TimeSpan WebSocketCloseLimit = TimeSpan.FromSeconds(2);

    /// <summary>Time for the request that becomes a WebSocket, and for a connection without one: as for CONNECT after it.</summary>
    private static readonly TimeSpan UpgradeLimit = TimeSpan.FromSeconds(10);

    /// <summary>What TLS endpoints show; <see langword="null"/> when there are none.</summary>
    public TlsKeeper? Tls { get; private set; }

    public WebEndpoint? MqttTls { get; private set; }

    public WebEndpoint? MqttWs { get; private set; }

    public WebEndpoint? MqttWss { get; private set; }

    public WebEndpoint? HttpTls { get; private set; }

    private void OpenTls()
    {
        if (Options.Tls.CertificateFile is not null)
        {
            Tls = TlsKeeper.Open(Options.Tls, Time, _logger);
            closers.Add("tls", Tls.DisposeAsync);
        }
    }

    private async Task OpenHttpTlsAsync(HttpApi api, CancellationToken cancellationToken)
    {
        if (Options.HttpTls is { } at)
        {
            HttpTls = await WebEndpoint.StartAsync(OptionKey.HttpTls.Switch, at, log, static _ => { }, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                Tls!.Secure(listen, SslApplicationProtocol.Http11);
            }, api.Map, cancellationToken);
            closers.Add("http-tls", HttpTls.DisposeAsync);
        }
    }

    private async Task StartMqttAsync(CancellationToken cancellationToken)
    {
        OpenGateway();
        Mqtt = await ListenAsync(OptionKey.Mqtt, Options.Mqtt, secure: false, cancellationToken);
        if (Options.MqttTls is { } tls)
        {
            MqttTls = await ListenAsync(OptionKey.MqttTls, tls, secure: true, cancellationToken);
        }

        if (Options.MqttWs is { } ws)
        {
            MqttWs = await ListenWebSocketAsync(OptionKey.MqttWs, ws, secure: false, cancellationToken);
        }

        if (Options.MqttWss is { } wss)
        {
            MqttWss = await ListenWebSocketAsync(OptionKey.MqttWss, wss, secure: true, cancellationToken);
        }
    }

    private async Task<WebEndpoint> ListenAsync(OptionKey key, ListenAddress at, bool secure, CancellationToken cancellationToken)
    {
        WebEndpoint endpoint = await WebEndpoint.StartAsync(key.Switch, at, log, services => services.AddSingleton(Gateway), listen =>
        {
            if (secure)
            {
                Tls!.Secure(listen);
            }

            listen.UseConnectionHandler<MqttConnectionHandler>();
        }, static _ => { }, cancellationToken);
        closers.Add(key.Switch.TrimStart('-'), endpoint.DisposeAsync);
        return endpoint;
    }

    private async Task<WebEndpoint> ListenWebSocketAsync(OptionKey key, ListenAddress at, bool secure, CancellationToken cancellationToken)
    {
        MqttWebSocketHandler handler = new(Gateway, WebSocketCloseLimit, Time);
        WebEndpoint endpoint = await WebEndpoint.StartAsync(key.Switch, at, log, static _ => { }, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (secure)
            {
                Tls!.Secure(listen, SslApplicationProtocol.Http11);
            }
        }, app =>
        {
            // MQTT has its own keep alive, in which the client is told what is expected of it.
            app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
            app.UseRouting();
            app.Map(MqttWebSocketHandler.Path, context => handler.ServeAsync(context, app.Lifetime.ApplicationStopping));
        }, cancellationToken, static limits =>
        {
            limits.RequestHeadersTimeout = UpgradeLimit;
            limits.KeepAliveTimeout = UpgradeLimit;

            // A subscriber may stop reading for as long as its keep alive allows, as on TCP.
            limits.MinResponseDataRate = null;
        });
        closers.Add(key.Switch.TrimStart('-'), endpoint.DisposeAsync);
        return endpoint;
    }
}
