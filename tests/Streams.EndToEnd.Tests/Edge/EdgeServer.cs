using System.Globalization;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A server with all its endpoints, and the certificates an operator would have made.</summary>
internal sealed class EdgeServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority = new("fleet authority", TimeProvider.System);
    private readonly TestAuthority _stranger = new("strange authority", TimeProvider.System);
    private readonly TestCluster _cluster;

    private EdgeServer(string client)
    {
        Write("ca", new IssuedCertificate(_authority.Pem, string.Empty));
        Write("strange-ca", new IssuedCertificate(_stranger.Pem, string.Empty));
        Write("server", _authority.Issue("CN=streams"));
        Write("car", _authority.Issue("CN=car-17", CertificateUse.Client));
        Write("strange-car", _stranger.Issue("CN=car-17", CertificateUse.Client));
        string[] asks = client == "none" ? [] : ["--tls-client", client, "--tls-client-ca", Certificate("ca")];
        _cluster = new TestCluster(new ServerProcessOptions
        {
            ClusterName = "sj",
            DataDirectory = _directory.Combine("sj"),
            ExtraArguments =
            [
                "--mqtt-tls", Loopback(TlsPort), "--mqtt-ws", Loopback(WsPort), "--mqtt-wss", Loopback(WssPort),
                "--tls-certificate", Certificate("server"), "--tls-key", Key("server"), .. asks,
            ],
        });
    }

    public int TlsPort { get; } = FreePort.Next();

    public int WsPort { get; } = FreePort.Next();

    public int WssPort { get; } = FreePort.Next();

    public ServerProcess Server => _cluster.Server;

    /// <summary>Starts a server that asks clients for certificates: none, optional or required.</summary>
    public static async Task<EdgeServer> StartAsync(string client = "none")
    {
        EdgeServer server = new(client);
        try
        {
            await server._cluster.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public string Certificate(string name) => _directory.Combine(name + ".pem");

    public string Key(string name) => _directory.Combine(name + ".key");

    /// <summary>The options by which a client trusts an authority and shows a certificate, as mosquitto and the script of paho have
    /// them.</summary>
    public string[] Client(string authority, string? shown = null) => shown is null
        ? ["--cafile", Certificate(authority)]
        : ["--cafile", Certificate(authority), "--cert", Certificate(shown), "--key", Key(shown)];

    /// <summary>Replaces the server's certificate and key by others of the same authority.</summary>
    public void Renew(string subject) => Write("server", _authority.Issue(subject));

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
        _directory.Dispose();
    }

    private static string Loopback(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private void Write(string name, IssuedCertificate issued)
    {
        File.WriteAllText(Certificate(name), issued.Certificate);
        File.WriteAllText(Key(name), issued.Key);
    }
}
