using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>The steps that open the endpoints of devices, and those over TLS.</summary>
internal sealed partial class ServerStart
{
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
            HttpTls = Closing("http-tls", await WebEndpoint.StartAsync(OptionKey.HttpTls.Switch, at, log, static _ => { }, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                Tls!.Secure(listen, SslApplicationProtocol.Http11);
            }, api.Map, cancellationToken));
        }
    }

    private async Task StartMqttAsync(CancellationToken cancellationToken)
    {
        OpenGateway();
        MqttEndpoint mqtt = new(Gateway, Time, log);
        Mqtt = Closing("mqtt", await mqtt.ListenAsync(OptionKey.Mqtt.Switch, Options.Mqtt, null, cancellationToken));
        if (Options.MqttTls is { } tls)
        {
            MqttTls = Closing("mqtt-tls", await mqtt.ListenAsync(OptionKey.MqttTls.Switch, tls, Tls, cancellationToken));
        }

        if (Options.MqttWs is { } ws)
        {
            MqttWs = Closing("mqtt-ws", await mqtt.ListenWebSocketAsync(OptionKey.MqttWs.Switch, ws, null, cancellationToken));
        }

        if (Options.MqttWss is { } wss)
        {
            MqttWss = Closing("mqtt-wss", await mqtt.ListenWebSocketAsync(OptionKey.MqttWss.Switch, wss, Tls, cancellationToken));
        }
    }

    private WebEndpoint Closing(string part, WebEndpoint endpoint)
    {
        closers.Add(part, endpoint.DisposeAsync);
        return endpoint;
    }
}
