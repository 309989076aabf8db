using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What takes routes, at a real cluster.</summary>
public sealed class RouteUplinkTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    [Fact]
    public async Task What_was_dropped_while_the_cluster_was_away_is_told_there_and_the_rest_is_there_once_where_its_route_leads()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamPath state = StreamPath.Parse($"{story.Fleet.Value}-state");
        story.OpenStore(change: o => o with
        {
            Routes =
            [
                new Route($"{story.Fleet.Value[1..]}/+/state") { Stream = state, Policy = OutboxPolicy.KeepLatestPerKey },
                new Route($"{story.Fleet.Value[1..]}/+/own") { IsLocal = true },
            ],
        });
        for (int i = 0; i < 10; i++)
        {
            await PublishAsync(story, $"d{i % 2}/state", $"{i}");
            await PublishAsync(story, $"d{i % 2}/own", $"{i}");
            await PublishAsync(story, $"d{i % 2}/all", $"{i}");
        }

        story.Connect();
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        List<ReceivedEvent> told = await ReadAsync(story, state, 4);
        Assert.Equal(["8", "9"], told.Where(e => e.Gap is null).Select(Text).Order());
        Assert.Equal([("d0/state", 4L), ("d1/state", 4L)], told.Where(e => e.Gap is { Reason: GapReason.Superseded })
            .Select(e => (e.Topic.ToString(), e.Gap!.Events)).Order());
        Assert.Equal(10, (await ReadAsync(story, story.Fleet, 10)).Select(Text).Distinct().Count());
        story.Logger.AssertNoErrors();
    }

    [Fact]
    public async Task A_line_that_is_cut_and_an_agent_that_is_killed_lose_and_repeat_nothing_of_what_takes_routes()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        CuttingProxy line = story.ThroughLine();
        LocalStoreOptions Routed(LocalStoreOptions o) => o with
        {
            Routes = [new Route($"{story.Fleet.Value[1..]}/d1/#") { Priority = 0 }, new Route("#") { TimeToLive = TimeSpan.FromHours(1) }],
        };
        story.OpenStore("box-0", Routed);
        await story.Store.EnsureStreamAsync(story.Fleet, default);
        story.Connect();
        for (int round = 0; round < 6; round++)
        {
            await Task.WhenAll(Enumerable.Range(round * 100, 100).Select(i => PublishAsync(story, $"d{i % 4}/x", $"{i % 4}:{i:d4}")));
            await line.CutAsync();
            line.Restore();
            if (round % 2 == 1)
            {
                story.CopyBox($"box-{round / 2}", $"box-{(round / 2) + 1}");
                await story.StopAsync();
                story.OpenStore($"box-{(round / 2) + 1}", Routed);
                story.Connect();
            }
        }

        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        string[] payloads = [.. (await ReadAsync(story, story.Fleet, 600)).Select(Text)];
        Assert.Equal(600, payloads.Distinct().Count());
        Assert.All(payloads.GroupBy(p => p[0]), d => Assert.Equal(d.Order(StringComparer.Ordinal), d));
    }

    private static async Task PublishAsync(AgentStory story, string topic, string payload)
    {
        byte[] name = Encoding.UTF8.GetBytes(topic);
        StreamSettings settings = await story.Store.EnsureStreamAsync(story.Fleet, default);
        StreamPartition partition = new(story.Fleet, Partitioner.For(default, name, settings.Partitions));
        await story.Store.AppendPlainAsync(partition, new PlainEvent(name, default, default, Encoding.UTF8.GetBytes(payload), 1,
            Client: topic[..2]), default);
    }

    private static async Task<List<ReceivedEvent>> ReadAsync(AgentStory story, StreamPath stream, int count)
    {
        StreamsClient client = await story.BackEndAsync(name: $"reader-{stream.Value.Length}");
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse($"reader{stream.Value.Replace('/', '-')}"), Stream = stream,
        });
        List<ReceivedEvent> events = [];
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(30));
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(enough.Token))
        {
            events.Add(received);
            received.Acknowledge();
            if (events.Count == count)
            {
                break;
            }
        }

        return events;
    }

    private static string Text(ReceivedEvent e) => Encoding.UTF8.GetString(e.Payload.Span);
}
