using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>A device that speaks MQTT over TLS.</summary>
internal sealed class TlsPeer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly SslStream _tls;
    private readonly MqttConnection _connection;

    private TlsPeer(SslStream tls)
    {
        _tls = tls;
        _connection = MqttConnection.FromStream(tls, new MqttDecodeOptions { Role = MqttRole.Client, Version = MqttVersion.V5 });
    }

    /// <summary>The subject of the certificate that the server showed.</summary>
    public string Shown => _tls.RemoteCertificate!.Subject;

    public SslProtocols Protocol => _tls.SslProtocol;

    /// <summary>Connects as far as CONNACK.</summary>
    /// <exception cref="IOException">The server ended the connection, in the handshake or after it.</exception>
    /// <exception cref="AuthenticationException">The handshake failed.</exception>
    public static async Task<TlsPeer> ConnectAsync(IPEndPoint at, TestAuthority trusted, IssuedCertificate? shown = null,
        SslProtocols protocols = SslProtocols.None, SslApplicationProtocol? inside = null, string clientId = "car-17")
    {
        TcpClient tcp = new();
        await tcp.ConnectAsync(at);
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(trusted.Certificate);
        SslStream tls = new(tcp.GetStream());
        using X509Certificate2? certificate = shown?.ToCertificate();
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocols,
                CertificateChainPolicy = policy,
                ApplicationProtocols = inside is { } named ? [named] : null,
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            }).WaitAsync(Limit);
            TlsPeer peer = new(tls);
            await peer._connection.WriteAsync(new MqttConnectPacket { Version = MqttVersion.V5, ClientId = clientId, CleanStart = true });
            MqttPacket? answer = await peer._connection.ReadAsync().AsTask().WaitAsync(Limit);
            return answer is MqttConnackPacket { ReasonCode: MqttReasonCode.Success } ? peer
                : throw new IOException($"the server ended the connection: {answer}");
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the connection still works.</summary>
    public async Task<bool> PingAsync()
    {
        await _connection.WriteAsync(MqttPingreqPacket.Instance);
        return await _connection.ReadAsync().AsTask().WaitAsync(Limit) is MqttPingrespPacket;
    }

    /// <summary>Waits for the server's DISCONNECT and the end.</summary>
    public async Task<MqttReasonCode?> EndAsync()
    {
        MqttReasonCode? code = null;
        while (await _connection.ReadAsync().AsTask().WaitAsync(Limit) is { } packet)
        {
            code = (packet as MqttDisconnectPacket)?.ReasonCode ?? code;
        }

        return code;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
