using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class OverTheWireTests
{
    [Fact]
    public async Task The_same_over_real_MQTT_with_cuts_and_a_failover()
    {
        using TemporaryDirectory directory = new();
        ScriptedWorld world = new("a", "b");
        await using WireCluster a = new(world["a"]);
        await using WireCluster b = new(world["b"]);
        CollectingLoggerProvider logs = new();
        StreamsClientOptions options = new()
        {
            Name = "car-17",
            Clusters = [a.Endpoint, b.Endpoint],
            OutboxPath = Path.Combine(directory.FullName, "outbox.db"),
            BatchBytes = 4096,
            ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
            FailBackAfter = Timeout.InfiniteTimeSpan,
        };
        await using StreamsClient client = await StreamsClient.OpenAsync(options, logs);
        await using StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("c"), Stream = ClientStory.Fleet, Filters = ["#"] });
        Task<List<string>> reading = ClientStory.ReadAsync(consumer, 900);
        for (int i = 0; i < 9; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(n =>
                client.PublishAsync(ClientStory.Fleet, TopicName.Parse("t"),
                    System.Text.Encoding.UTF8.GetBytes($"{(i * 100) + n + 1}")).AsTask()));
            world.Link("a", "b");
            world.Link("b", "a");
            if (i is 2 or 3)
            {
                world["a"].CutAll();
            }
            else if (i == 5)
            {
                world["a"].GoDown();
            }
        }

        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        world.Link("a", "b");
        Assert.Equal(ClientStory.Numbers(1, 900), await reading);
        Assert.Equal("b", client.ConnectedTo?.Value);
        logs.AssertNoErrors();
    }

    [Fact]
    public async Task Who_sends_for_many_producers_is_told_of_a_cluster_that_is_older_than_that_and_tries_the_others()
    {
        ScriptedWorld world = new("a", "b");
        await using WireCluster a = new(world["a"]);
        await using WireCluster b = new(world["b"]);
        CollectingLoggerProvider logs = new();
        StreamsProducerOptions options = new()
        {
            Name = "agent",
            Clusters = [a.Endpoint, b.Endpoint],
            SendsForMany = true,
            ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
        };
        Microsoft.Extensions.Logging.ILogger logger = logs.CreateLogger("agent");
        using ClientMetrics metrics = new("agent", static () => 0, static () => 0);
        await using ClusterLink link = new(options, new MqttClusterConnector(options, TimeProvider.System, logger), metrics,
            TimeProvider.System, new Random(1), logger);
        link.Start();
        await Eventually.TrueAsync(() => ToldOf("a") && ToldOf("b"), "both are too old");
        Assert.DoesNotContain(logs.Logs.Entries, static e => e.EventId.Id == 3010);

        bool ToldOf(string cluster) => logs.Logs.Entries.Any(e => e.EventId.Id == 3011
            && e.Message.Contains($"connect to {cluster} ", StringComparison.Ordinal)
            && e.Message.Contains("does not take batches of many producers", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_loses_its_cluster_goes_within_the_window_to_the_one_it_was_told_and_waits_while_that_is_busy()
    {
        using TemporaryDirectory directory = new();
        ScriptedWorld world = new("a", "b", "c");
        await using WireCluster a = new(world["a"]);
        await using WireCluster b = new(world["b"]);
        await using WireCluster c = new(world["c"]);
        a.Hint = new SpreadHint(TimeSpan.FromMilliseconds(300), [new(c.Endpoint.Name, 1)]);
        int busy = 0;
        c.Busy = () => ++busy == 1 ? 20 : null;
        b.Busy = static () => 600_000;
        CollectingLoggerProvider logs = new();
        StreamsClientOptions options = new()
        {
            Name = "car-17",
            Clusters = [a.Endpoint, b.Endpoint, c.Endpoint],
            OutboxPath = Path.Combine(directory.FullName, "outbox.db"),
            ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
            FailBackAfter = Timeout.InfiniteTimeSpan,
        };
        await using StreamsClient client = await StreamsClient.OpenAsync(options, logs);
        await Eventually.TrueAsync(() => logs.Logs.Text.Contains("hints: when it is lost", StringComparison.Ordinal), "the hint is heard");
        world["a"].GoDown();
        await client.PublishAsync(ClientStory.Fleet, TopicName.Parse("t"), new byte[] { 1 });
        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal("c", client.ConnectedTo?.Value);
        Assert.Equal(1, world["c"].Events);
        Assert.Equal(2, busy);
        Assert.Contains("goes elsewhere in", logs.Logs.Text, StringComparison.Ordinal);
        Assert.Contains("c at 127.0.0.1", logs.Logs.Text, StringComparison.Ordinal);
        logs.AssertNoErrors();
    }
}
