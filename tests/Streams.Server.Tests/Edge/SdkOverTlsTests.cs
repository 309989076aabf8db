using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class SdkOverTlsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EdgeFiles _sj = new();
    private readonly CollectingLoggerProvider _log = new();

    public void Dispose()
    {
        _sj.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_SDK_client_with_a_certificate_goes_over_TLS_from_one_cluster_to_another_of_another_host_name()
    {
        // Each host's certificate is good for its own name alone.
        _sj.Write(_sj.Authority.Issue("CN=sj", host: "localhost"));
        TlsOptions sjTls = _sj.Asking(ClientCertificates.Required);
        IssuedCertificate forNy = _sj.Authority.Issue("CN=ny", host: "127.0.0.1");
        TlsOptions nyTls = sjTls with
        {
            CertificateFile = _sj.Write("ny.pem", forNy.Certificate),
            KeyFile = _sj.Write("ny.key", forNy.Key),
        };
        await using RunningHost ny = await StartAsync("ny", nyTls);
        RunningHost sj = await StartAsync("sj", sjTls);
        try
        {
            using X509Certificate2 shown = _sj.Authority.Issue("CN=car-17", CertificateUse.Client).ToCertificate();
            await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
            {
                Name = "car-17",
                Clusters = [At("sj", "localhost", sj), At("ny", "127.0.0.1", ny)],
                OutboxPath = _directory.Combine("outbox.db"),
                Tls = Trusting(shown),
                ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)),
            }, _log);

            await PublishAsync(client);
            Assert.Equal("sj", client.ConnectedTo?.Value);
            await sj.DisposeAsync();
            await PublishAsync(client);

            Assert.Equal("ny", client.ConnectedTo?.Value);
        }
        finally
        {
            await sj.DisposeAsync();
        }
    }

    private static async Task PublishAsync(StreamsClient client)
    {
        await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("car-17"), "hello"u8.ToArray());
        await client.FlushAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static ClusterEndpoint At(string name, string host, RunningHost server) =>
        new(ClusterName.Parse(name), host, server.Host.MqttTls!.Port);

    private SslClientAuthenticationOptions Trusting(X509Certificate2 shown)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_sj.Authority.Certificate);
        return new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            LocalCertificateSelectionCallback = (_, _, _, _, _) => shown,
        };
    }

    private Task<RunningHost> StartAsync(string cluster, TlsOptions tls) => RunningHost.StartAsync(
        RunningHost.OptionsIn(_directory, cluster) with { MqttTls = new ListenAddress(IPAddress.Loopback, 0), Tls = tls });
}
