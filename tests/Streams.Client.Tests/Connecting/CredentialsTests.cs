using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>What a client presents, over real MQTT.</summary>
public sealed class CredentialsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _logs = new();
    private readonly ScriptedWorld _world = new("a");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_token_is_asked_for_at_each_connect_and_a_refused_one_is_told_and_asked_for_anew()
    {
        await using WireCluster a = new(_world["a"]);
        List<string> presented = [];
        a.Judge = connect =>
        {
            string token = Encoding.UTF8.GetString(connect.Password ?? []);
            lock (presented)
            {
                presented.Add($"{connect.UserName}:{token}");
            }

            return token == "old" ? new MqttConnackPacket { ReasonCode = MqttReasonCode.BadUserNameOrPassword } : null;
        };
        int asked = 0;
        await using StreamsClient client = await OpenAsync(a, Options(a) with
        {
            Credentials = (endpoint, _) => ValueTask.FromResult<ClusterCredentials?>(
                new ClusterCredentials($"car-17@{endpoint.Name}", Encoding.UTF8.GetBytes(++asked == 1 ? "old" : $"token-{asked}"))),
        });

        await PublishAsync(client);
        _world["a"].CutAll();
        await PublishAsync(client);

        Assert.Equal(["car-17@a:old", "car-17@a:token-2", "car-17@a:token-3"], presented);
        LogEntry told = Assert.Single(_logs.Logs.Entries, static e => e.EventId.Id == 3052);
        Assert.Contains("BadUserNameOrPassword", told.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("old", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_that_gives_none_in_time_or_fails_costs_a_try_and_no_more()
    {
        await using WireCluster a = new(_world["a"]);
        int asked = 0;
        bool cancelled = false;
        await using StreamsClient client = await OpenAsync(a, Options(a) with
        {
            CredentialsTimeout = TimeSpan.FromMilliseconds(50),
            Credentials = async (_, token) =>
            {
                switch (++asked)
                {
                    case 1:
                        try
                        {
                            await new TaskCompletionSource().Task.WaitAsync(token);
                        }
                        finally
                        {
                            cancelled = true;
                        }

                        break;
                    case 2:
                        await new TaskCompletionSource().Task;              // heeds nothing
                        break;
                    case 3:
                        throw new InvalidOperationException("no answer from the vault");
                    default:
                        break;
                }

                return null;
            },
        });

        await PublishAsync(client);

        Assert.True(cancelled);
        Assert.Contains("gave no credentials within", _logs.Logs.Text, StringComparison.Ordinal);
        Assert.Contains("no answer from the vault", _logs.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_and_a_fixed_password_together_are_a_fault()
    {
        await using WireCluster a = new(_world["a"]);
        ConfigurationException fault = await Assert.ThrowsAsync<ConfigurationException>(async () => await OpenAsync(a, Options(a) with
        {
            UserName = "bob",
            Credentials = static (_, _) => default,
            CertificateFiles = new CertificateFiles { Key = "key.pem" },
        }));

        Assert.Contains("Credentials: not together", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Key needs Certificate", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_transport_of_the_application_is_used_and_what_it_throws_is_a_failed_connect()
    {
        await using WireCluster a = new(_world["a"]);
        int asked = 0;
        await using StreamsClient client = await OpenAsync(a, Options(a) with
        {
            Clusters = [new ClusterEndpoint(a.Endpoint.Name, "modem.invalid", 1)],
            AnswerTimeout = TimeSpan.FromSeconds(1),
            Transport = async (endpoint, token) =>
            {
                Assert.Equal("modem.invalid", endpoint.Host);
                switch (++asked)
                {
                    case 1:
                        throw new IOException("no carrier");
                    case 2:
                        await new TaskCompletionSource().Task;              // heeds nothing
                        break;
                    default:
                        break;
                }

                System.Net.Sockets.TcpClient tcp = new();
                await tcp.ConnectAsync(a.Endpoint.Host, a.Endpoint.Port, token);
                return tcp.GetStream();
            },
        });

        await PublishAsync(client);

        Assert.Equal(3, asked);
        Assert.Contains("did not answer within", _logs.Logs.Text, StringComparison.Ordinal);
        Assert.Contains("no carrier", _logs.Logs.Text, StringComparison.Ordinal);
    }

    private static async Task PublishAsync(StreamsClient client)
    {
        await client.PublishAsync(ClientStory.Fleet, TopicName.Parse("t"), new byte[] { 1 });
        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    private async Task<StreamsClient> OpenAsync(WireCluster cluster, StreamsClientOptions options)
    {
        Assert.NotNull(cluster);
        return await StreamsClient.OpenAsync(options, _logs);
    }

    private StreamsClientOptions Options(WireCluster cluster) => new()
    {
        Name = "car-17",
        Clusters = [cluster.Endpoint],
        OutboxPath = Path.Combine(_directory.FullName, "outbox.db"),
        ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
    };
}
