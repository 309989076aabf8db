using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What goes up to real clusters: each event once, in its device's order.</summary>
public sealed class UplinkTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    [Fact]
    public async Task Events_of_many_devices_go_up_once_each_in_the_order_of_their_devices()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        story.OpenStore();
        await PublishAsync(story, devices: 30, events: 300);
        story.Connect();
        await PublishAsync(story, devices: 30, events: 300, first: 300);
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        await CheckAsync(await ReadAsync(story, 600), 600);
        Assert.Equal(600, story.Store.UpLanes.Sum(l => l.Sent));
        story.Logger.AssertNoErrors();
    }

    [Fact]
    public async Task A_line_that_is_cut_again_and_again_loses_and_repeats_nothing()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        CuttingProxy line = story.ThroughLine();
        story.OpenStore();
        story.Connect();
        for (int round = 0; round < 8; round++)
        {
            await PublishAsync(story, devices: 10, events: 100, first: round * 100);
            await line.CutAsync();
            line.Restore();
        }

        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        await CheckAsync(await ReadAsync(story, 800), 800);
    }

    [Fact]
    public async Task An_agent_that_is_stopped_in_the_midst_of_it_goes_on()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        for (int round = 0; round < 4; round++)
        {
            story.OpenStore();
            Task publishing = PublishAsync(story, devices: 10, events: 200, first: round * 200);
            story.Connect();
            await publishing;
            await story.StopAsync();
        }

        story.OpenStore();
        story.Connect();
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        await CheckAsync(await ReadAsync(story, 800), 800);
    }

    [Fact]
    public async Task Whatever_moment_an_agent_is_killed_at_what_its_devices_were_told_is_there_once()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        story.OpenStore("box-0");
        story.Connect();
        SortedSet<string> told = [];
        for (int life = 1; life <= 4; life++)
        {
            Task publishing = PublishAsync(story, devices: 10, events: 150, first: life * 1000, told);
            await Eventually.TrueAsync(() => Count(told) >= (life * 100) - 50, "some are told");
            string[] until = Copy(told);
            story.CopyBox($"box-{life - 1}", $"box-{life}");
            await publishing;
            await story.StopAsync();
            Assert.Superset(until.ToHashSet(), told);
            story.OpenStore($"box-{life}");
            story.Connect();
            lock (told)
            {
                told.Clear();
                told.UnionWith(until);
            }
        }

        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        List<ReceivedEvent> events = await ReadAsync(story, int.MaxValue, isAll: p => told.All(p.Contains));
        await CheckAsync(events, events.Count);
    }

    [Fact]
    public async Task When_the_first_cluster_is_killed_the_rest_goes_to_the_second_and_readers_there_get_all_of_it_once()
    {
        await using AgentStory story = await AgentStory.StartAsync(clusters: 2);
        story.OpenStore();
        story.Connect();
        await PublishAsync(story, devices: 10, events: 300);
        Task publishing = PublishAsync(story, devices: 10, events: 300, first: 300);
        await story.Clusters[0].KillAsync();
        await publishing;
        await PublishAsync(story, devices: 10, events: 100, first: 600);
        await Eventually.TrueAsync(() => story.Side.Waiting == 0 && story.Side.ConnectedTo?.Value == "ny", "all has gone up");
        ServerProcess again = await ServerProcess.StartHealthyAsync(story.Clusters[0].Options);
        story.Clusters.Add(again);
        await CheckAsync(await ReadAsync(story, 700, cluster: 1), 700);
    }

    [Fact]
    public async Task What_came_down_does_not_go_up_and_what_went_up_does_not_come_back()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamsClient office = await story.BackEndAsync();
        await AgentStory.PublishAsync(office, story.Fleet, "office", "o1");
        story.OpenStore();
        story.Connect(story.AllOrders with { Stream = story.Fleet });
        await PublishAsync(story, devices: 3, events: 30);
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        await AgentStory.PublishAsync(office, story.Fleet, "office", "o2");
        await Eventually.TrueAsync(async () => (await story.PayloadsAsync(story.Fleet)).Contains("o2"), "the office's come down");
        string[] here = await story.PayloadsAsync(story.Fleet);
        Assert.Equal(32, here.Length);
        Assert.Equal(32, here.Distinct().Count());
        List<ReceivedEvent> there = await ReadAsync(story, 32);
        Assert.Equal(here, there.Select(e => Encoding.UTF8.GetString(e.Payload.Span)).Order());
    }

    // Each event goes to the topic of its device; payload device:number.
    private static async Task PublishAsync(AgentStory story, int devices, int events, int first = 0, SortedSet<string>? told = null)
    {
        StreamSettings settings = await story.Store.EnsureStreamAsync(story.Fleet, default);
        List<Task> waiting = [];
        for (int i = first; i < first + events; i++)
        {
            byte[] topic = Encoding.UTF8.GetBytes($"device-{i % devices}");
            StreamPartition partition = new(story.Fleet, Partitioner.For(default, topic, settings.Partitions));
            waiting.Add(NoteAsync($"{i % devices}:{i:d6}", partition, topic));
        }

        await Task.WhenAll(waiting);

        async Task NoteAsync(string payload, StreamPartition partition, byte[] topic)
        {
            await story.Store.AppendPlainAsync(partition, new PlainEvent(topic, default, default, Encoding.UTF8.GetBytes(payload), 1,
                Client: Encoding.UTF8.GetString(topic)), default);
            lock (told ?? [])
            {
                told?.Add(payload);
            }
        }
    }

    private static int Count(SortedSet<string> told)
    {
        lock (told)
        {
            return told.Count;
        }
    }

    private static string[] Copy(SortedSet<string> told)
    {
        lock (told)
        {
            return [.. told];
        }
    }

    private static async Task<List<ReceivedEvent>> ReadAsync(AgentStory story, int count, int cluster = 0,
        Func<HashSet<string>, bool>? isAll = null)
    {
        StreamsClient client = await story.BackEndAsync(cluster, "reader");
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions { Name = Reader, Stream = story.Fleet });
        List<ReceivedEvent> events = [];
        HashSet<string> payloads = [];
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(30));
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(enough.Token))
        {
            events.Add(received);
            received.Acknowledge();
            payloads.Add(Encoding.UTF8.GetString(received.Payload.Span));
            if (events.Count == count || isAll?.Invoke(payloads) == true)
            {
                break;
            }
        }

        return events;
    }

    private static Task CheckAsync(List<ReceivedEvent> events, int count)
    {
        string[] payloads = [.. events.Select(e => Encoding.UTF8.GetString(e.Payload.Span))];
        Assert.Equal(count, payloads.Distinct().Count());
        Assert.Equal(count, payloads.Length);
        foreach (IGrouping<string, string> device in payloads.GroupBy(p => p[..p.IndexOf(':')]))
        {
            Assert.Equal(device.Order(StringComparer.Ordinal), device);
        }

        return Task.CompletedTask;
    }
}
