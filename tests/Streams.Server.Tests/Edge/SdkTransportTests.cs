using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>The SDK's ways to a server, each as <c>NAME=URL</c>, and its certificates from files.</summary>
public sealed class SdkTransportTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EdgeFiles _files = new();
    private readonly CollectingLoggerProvider _log = new();

    public void Dispose()
    {
        _files.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("mqtt")]
    [InlineData("mqtts")]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task Everything_goes_over_each_way_also_great_events_and_a_lost_connection(string scheme)
    {
        await using RunningHost server = await StartAsync(_files.Asking(ClientCertificates.Required));
        byte[] great = new byte[600_000];
        new Random(3).NextBytes(great);
        List<TcpClient> lines = [];
        await using StreamsClient client = await OpenAsync(server, scheme, Shown("car"), async (endpoint, token) =>
        {
            TcpClient line = new();
            await line.ConnectAsync(endpoint.Host, endpoint.Port, token);
            lines.Add(line);
            return line.GetStream();
        });
        await using StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("c"), Stream = StreamPath.Parse("/fleet") });

        for (int i = 0; i < 20; i++)
        {
            await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("t"), BitConverter.GetBytes(i));
            if (i is 7 or 14)
            {
                await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("great"), great);
                await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
                lines[^1].Close();
            }
        }

        List<int> small = [];
        int greats = 0;
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            if (received.Topic.Value == "great")
            {
                Assert.True(received.Payload.Span.SequenceEqual(great));
                greats++;
            }
            else
            {
                small.Add(BitConverter.ToInt32(received.Payload.Span));
            }

            received.Acknowledge();
            if (small.Count + greats == 22)
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(0, 20), small);
        Assert.Equal(2, greats);
        Assert.True(lines.Count >= 3, $"{lines.Count} connections");
        Assert.Contains($"{scheme}://", _log.Logs.Text, StringComparison.Ordinal);
        _log.AssertNoErrors();
    }

    [Theory]
    [InlineData("ws", "/other", "404")]
    [InlineData("wss", "/mqtt", "TLS")]
    public async Task Where_no_MQTT_is_spoken_the_log_says_so_and_it_is_tried_again(string scheme, string path, string says)
    {
        await using RunningHost server = await StartAsync(_files.Options);

        // The second goes with TLS to where it is not spoken.
        ClusterEndpoint wrong = new(ClusterName.Parse("sj"), "localhost", server.Host.MqttWs!.Port)
        {
            Scheme = scheme == "ws" ? ClusterScheme.Ws : ClusterScheme.Wss,
            Path = path,
        };
        await using StreamsClient client = await StreamsClient.OpenAsync(Options() with { Clusters = [wrong, At(server, "ws")] }, _log);

        await PublishAsync(client);

        Assert.Contains(_log.Logs.Entries, e => e.EventId.Id == 3011
            && (says == "TLS" || e.Message.Contains(says, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_at_the_next_connect_and_a_half_written_one_never()
    {
        await using RunningHost server = await StartAsync(_files.Asking(ClientCertificates.Required));
        CertificateFiles shown = Shown("car");
        List<TcpClient> lines = [];
        await using StreamsClient client = await OpenAsync(server, "mqtts", shown, async (endpoint, token) =>
        {
            TcpClient line = new();
            await line.ConnectAsync(endpoint.Host, endpoint.Port, token);
            lines.Add(line);
            return line.GetStream();
        });
        await PublishAsync(client);
        Assert.Equal(1, Taken("CN=car,"));

        // The certificate is written and its key not yet: the pair before is shown.
        IssuedCertificate renewed = _files.Authority.Issue("CN=renewed", CertificateUse.Client);
        File.WriteAllText(shown.Certificate!, renewed.Certificate);
        lines[^1].Close();
        await PublishAsync(client);
        Assert.Contains("does not fit the certificate", _log.Logs.Text, StringComparison.Ordinal);
        Assert.Equal(0, Taken("CN=renewed,"));

        File.WriteAllText(shown.Key!, renewed.Key[..40]);
        lines[^1].Close();
        await PublishAsync(client);
        Assert.Equal(0, Taken("CN=renewed,"));

        File.WriteAllText(shown.Key!, renewed.Key);
        lines[^1].Close();
        await PublishAsync(client);
        Assert.Equal(1, Taken("CN=renewed,"));
        Assert.Single(_log.Logs.Entries, static e => e.EventId.Id == 3051);           // the same fault is told once
    }

    [Fact]
    public async Task A_device_whose_files_come_later_connects_then_and_publishes_meanwhile()
    {
        await using RunningHost server = await StartAsync(_files.Asking(ClientCertificates.Required));
        CertificateFiles later = new()
        {
            Certificate = _files.Path("later.pem"), Key = _files.Path("later.key"), Trust = _files.Path("later-ca.pem"),
        };
        await using StreamsClient client = await OpenAsync(server, "mqtts", later, null);
        await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("t"), new byte[] { 1 });
        await Eventually.TrueAsync(() => _log.Logs.Entries.Any(static e => e.EventId.Id == 3051), "the missing file is told");

        IssuedCertificate issued = _files.Authority.Issue("CN=late", CertificateUse.Client);
        File.WriteAllText(later.Trust!, _files.Authority.Pem);
        File.WriteAllText(later.Key!, issued.Key);
        File.WriteAllText(later.Certificate!, issued.Certificate);

        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(1, Taken("CN=late,"));
    }

    [Fact]
    public async Task A_server_of_a_strange_authority_is_not_spoken_to()
    {
        _files.Write(_files.Stranger.Issue("CN=sj"));
        await using RunningHost server = await StartAsync(_files.Options);
        await using StreamsClient client = await OpenAsync(server, "wss", Shown("car"), null);

        await Eventually.TrueAsync(() => _log.Logs.Entries.Any(static e => e.EventId.Id == 3011), "the connect failed");

        Assert.Null(client.ConnectedTo);
    }

    private int Taken(string subject) =>
        _log.Logs.Entries.Count(e => e.EventId.Id == 3050 && e.Message.Contains(subject, StringComparison.Ordinal));

    private static async Task PublishAsync(StreamsClient client)
    {
        await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("car-17"), "hello"u8.ToArray());
        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    private CertificateFiles Shown(string name)
    {
        IssuedCertificate issued = _files.Authority.Issue($"CN={name}", CertificateUse.Client);
        return new CertificateFiles
        {
            Certificate = _files.Write(name + ".pem", issued.Certificate),
            Key = _files.Write(name + ".key", issued.Key),
            Trust = _files.ClientCa,
        };
    }

    private static ClusterEndpoint At(RunningHost server, string scheme)
    {
        IPEndPoint place = scheme switch
        {
            "mqtts" => server.Host.MqttTls!,
            "ws" => server.Host.MqttWs!,
            "wss" => server.Host.MqttWss!,
            _ => server.Host.Mqtt,
        };
        return ClusterEndpoint.Parse(string.Create(CultureInfo.InvariantCulture, $"sj={scheme}://localhost:{place.Port}"));
    }

    private async Task<StreamsClient> OpenAsync(RunningHost server, string scheme, CertificateFiles files, ClusterTransport? transport) =>
        await StreamsClient.OpenAsync(Options() with
        {
            Clusters = [At(server, scheme)],
            CertificateFiles = files,
            Transport = transport,
        }, _log);

    private StreamsClientOptions Options() => new()
    {
        Name = "car-17",
        Clusters = [],
        OutboxPath = _directory.Combine("outbox.db"),
        ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)),
    };

    // Kestrel logs an error when a line over TLS is cut while it writes.
    private Task<RunningHost> StartAsync(TlsOptions tls)
    {
        ListenAddress any = new(IPAddress.Loopback, 0);
        return RunningHost.StartAsync(
            RunningHost.OptionsIn(_directory) with { MqttTls = any, MqttWs = any, MqttWss = any, Tls = tls }, expectsErrors: true);
    }
}
