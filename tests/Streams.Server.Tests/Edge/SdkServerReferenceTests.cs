using System.Net;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>An SDK client obeys the Server Reference of a server that stops.</summary>
public sealed class SdkServerReferenceTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _log = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_server_that_stops_sends_its_clients_to_the_one_it_names_not_to_the_next_of_their_list()
    {
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory, "ny"));
        await using RunningHost ldn = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory, "ldn"));
        RunningHost sj = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory) with
        {
            MqttReference = $"elsewhere.invalid:1883 127.0.0.1:{ldn.Host.Mqtt.Port}",
        });
        try
        {
            await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
            {
                Name = "car-17",
                Clusters = [At("sj", sj), At("ny", ny), At("ldn", ldn)],
                OutboxPath = _directory.Combine("outbox.db"),
                FailBackAfter = Timeout.InfiniteTimeSpan,
            }, _log);
            await PublishAsync(client);
            Assert.Equal("sj", client.ConnectedTo?.Value);

            await sj.DisposeAsync();
            await PublishAsync(client);

            Assert.Equal("ldn", client.ConnectedTo?.Value);
            Assert.Contains("ldn comes next", _log.Logs.Text, StringComparison.Ordinal);
        }
        finally
        {
            await sj.DisposeAsync();
        }
    }

    private static async Task PublishAsync(StreamsClient client)
    {
        await client.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("car-17"), "hello"u8.ToArray());
        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    private static ClusterEndpoint At(string name, RunningHost host) =>
        new(ClusterName.Parse(name), IPAddress.Loopback.ToString(), host.Host.Mqtt.Port);
}
