using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Streams.Gateways;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class TlsTests : IDisposable
{
    private static readonly ListenAddress Free = new(IPAddress.Loopback, 0);

    private readonly TemporaryDirectory _directory = new();
    private readonly EdgeFiles _files = new();

    public void Dispose()
    {
        _files.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, false)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task A_device_connects_over_TLS(SslProtocols protocol, bool rsa)
    {
        _files.Write(_files.Authority.Issue("CN=first", rsa: rsa));
        await using RunningHost host = await StartAsync(_files.Options);
        await using TlsPeer peer = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority, protocols: protocol);

        Assert.Equal(("CN=first", protocol), (peer.Shown, peer.Protocol));
        Assert.True(await peer.PingAsync());
    }

    [Fact]
    public async Task A_device_that_names_a_protocol_for_the_inside_is_taken_whatever_it_names()
    {
        await using RunningHost host = await StartAsync(_files.Options);
        await using TlsPeer peer = await TlsPeer.ConnectAsync(
            host.Host.MqttTls!, _files.Authority, inside: new SslApplicationProtocol("mqtt"));

        Assert.True(await peer.PingAsync());
    }

    [Fact]
    public async Task The_intermediate_certificates_in_the_file_are_shown()
    {
        using TestAuthority between = new("between", TimeProvider.System, _files.Authority);
        IssuedCertificate server = between.Issue("CN=deep");
        _files.Write(server with { Certificate = server.Certificate + "\n" + between.Pem });
        await using RunningHost host = await StartAsync(_files.Options);

        // The device trusts, and has, the root alone.
        await using TlsPeer peer = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority);

        Assert.Equal("CN=deep", peer.Shown);
    }

    [Fact]
    public async Task Bytes_that_are_no_TLS_end_their_own_connection_only()
    {
        await using RunningHost host = await StartAsync(_files.Options);
        await using TlsPeer bystander = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority);
        using TcpClient tcp = new();
        await tcp.ConnectAsync(host.Host.MqttTls!);
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(new byte[] { 0x10, 0x0d, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 2, 0, 0, 0, 1, (byte)'x' });

        await ReadToEndAsync(stream);

        Assert.True(await bystander.PingAsync());
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Where_a_client_certificate_is_required_only_a_good_one_is_let_in(SslProtocols protocol)
    {
        await using RunningHost host = await StartAsync(_files.Asking(ClientCertificates.Required));

        await using TlsPeer good = await ConnectAsync(_files.Authority.Issue("CN=car-17", CertificateUse.Client));
        Assert.True(await good.PingAsync());
        await RefusedAsync(null);
        await RefusedAsync(_files.Stranger.Issue("CN=car-17", CertificateUse.Client));
        await RefusedAsync(_files.Authority.Issue("CN=car-17", CertificateUse.Client, days: -1));
        await RefusedAsync(_files.Authority.Issue("CN=car-17", CertificateUse.Server));
        Assert.True(await good.PingAsync());

        Task<TlsPeer> ConnectAsync(IssuedCertificate? shown) =>
            TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority, shown, protocol);

        async Task RefusedAsync(IssuedCertificate? shown)
        {
            Exception? fault = await Record.ExceptionAsync(() => ConnectAsync(shown));
            Assert.True(fault is IOException or AuthenticationException, $"refused is expected: {fault}");
        }
    }

    [Fact]
    public async Task Where_a_client_certificate_is_optional_none_is_let_in_and_a_bad_one_is_not()
    {
        await using RunningHost host = await StartAsync(_files.Asking(ClientCertificates.Optional));

        await using TlsPeer none = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority);
        Assert.True(await none.PingAsync());
        IssuedCertificate bad = _files.Stranger.Issue("CN=car-17", CertificateUse.Client);
        Exception? fault = await Record.ExceptionAsync(() => TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority, bad));
        Assert.True(fault is IOException or AuthenticationException, $"refused is expected: {fault}");
    }

    [Fact]
    public async Task New_connections_are_shown_a_certificate_that_replaced_the_first_and_running_ones_stay()
    {
        await using RunningHost host = await StartAsync(_files.Options);
        await using TlsPeer old = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority);

        // Half of a replacement: the new certificate with the old key. It is told of, and what works stays.
        IssuedCertificate second = _files.Authority.Issue("CN=second");
        File.WriteAllText(_files.Certificate, second.Certificate);
        await Eventually.TrueAsync(
            () => host.Log.Logs.Text.Contains("does not fit the certificate", StringComparison.Ordinal), "the misfit is logged");
        Assert.Equal("CN=first", await ShownAsync(host));

        File.WriteAllText(_files.Key, second.Key);
        await Eventually.EqualAsync("CN=second", async () => await ShownAsync(host), "the new certificate is shown");

        Assert.True(await old.PingAsync());
        Assert.Equal("CN=first", old.Shown);
        Assert.Single(host.Log.Logs.Text.Split('\n'), static line => line.Contains("are not taken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_HTTP_API_is_there_over_TLS_as_well()
    {
        await using RunningHost host = await StartAsync(_files.Options);
        using HttpClientHandler handler = new()
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) => Trusts(certificate!),
        };
        using HttpClient http = new(handler);

        Assert.Contains("ready", await http.GetStringAsync(new Uri($"https://{host.Host.HttpTls}/health")), StringComparison.Ordinal);
        Assert.Contains($"\"mqttTls\":\"{host.Host.MqttTls}\"",
            await http.GetStringAsync(new Uri($"https://{host.Host.HttpTls}/api/v1/status")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_stops_says_so_over_TLS()
    {
        await using RunningHost host = await StartAsync(_files.Options);
        await using TlsPeer peer = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority);

        Task stop = host.Host.StopAsync("test", TimeSpan.FromSeconds(10));

        Assert.Equal(MqttReasonCode.ServerShuttingDown, await peer.EndAsync());
        await peer.DisposeAsync();
        await stop;
    }

    private bool Trusts(X509Certificate2 certificate)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_files.Authority.Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private async Task<string> ShownAsync(RunningHost host)
    {
        await using TlsPeer peer = await TlsPeer.ConnectAsync(host.Host.MqttTls!, _files.Authority, clientId: "looker");
        return peer.Shown;
    }

    private static async Task ReadToEndAsync(NetworkStream stream)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        try
        {
            byte[] buffer = new byte[256];
            while (await stream.ReadAsync(buffer, limit.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset is an end too.
        }
    }

    private Task<RunningHost> StartAsync(TlsOptions tls) => RunningHost.StartAsync(
        RunningHost.OptionsIn(_directory) with { MqttTls = Free, HttpTls = Free, Tls = tls });
}
