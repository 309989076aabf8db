using Streams.Client;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What comes down from real clusters.</summary>
public sealed class DownlinkTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    [Fact]
    public async Task Events_of_a_cluster_stand_in_the_store_at_the_offsets_that_they_have_there()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamsClient office = await story.BackEndAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "a", "b", "c");
        story.OpenStore();
        story.Connect(story.AllOrders);
        await Eventually.EqualAsync(3, async () => (await story.EventsAsync(story.Orders)).Count, "the events come down");
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "d");
        await Eventually.EqualAsync(4, async () => (await story.EventsAsync(story.Orders)).Count, "the next one comes down");
        List<(LaneId Lane, long Offset, string Topic, string Payload)> events = await story.EventsAsync(story.Orders);
        Assert.Equal([(0, "a"), (1, "b"), (2, "c"), (3, "d")], events.Select(e => (e.Offset, e.Payload)));
        Assert.All(events, e => Assert.Equal("sj", e.Lane.Origin.Cluster.Value));
        story.Logger.AssertNoErrors();
    }

    [Fact]
    public async Task With_a_filter_only_what_matches_comes_and_keeps_its_offset()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamsClient office = await story.BackEndAsync();
        string[] topics = ["line-4/a", "line-5/a", "line-4/b"];
        foreach (string topic in topics.Concat(topics))
        {
            await office.PublishAsync(story.Orders, TopicName.Parse(topic), "x"u8.ToArray(), key: "same partition"u8.ToArray());
        }

        await Eventually.TrueAsync(() => office.OutboxEvents == 0, "the cluster has them");
        story.OpenStore();
        story.Connect(story.AllOrders with { Filters = ["line-4/#"] });
        await Eventually.EqualAsync(4, async () => (await story.EventsAsync(story.Orders)).Count, "the events come down");
        Assert.Equal([(0, "line-4/a"), (2, "line-4/b"), (3, "line-4/a"), (5, "line-4/b")],
            (await story.EventsAsync(story.Orders)).Select(e => (e.Offset, e.Topic)));
    }

    [Fact]
    public async Task An_agent_that_is_started_again_goes_on_and_takes_nothing_twice()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamsClient office = await story.BackEndAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "a", "b");
        story.OpenStore();
        story.Connect(story.AllOrders);
        await Eventually.EqualAsync(2, async () => (await story.EventsAsync(story.Orders)).Count, "the events come down");
        await story.StopAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "c");
        story.OpenStore();
        story.Connect(story.AllOrders);
        await Eventually.EqualAsync(3, async () => (await story.EventsAsync(story.Orders)).Count, "the next one comes down");
        Assert.Equal(["a", "b", "c"], await story.PayloadsAsync(story.Orders));
    }

    [Fact]
    public async Task Another_box_in_the_agents_place_goes_on_where_the_old_one_was()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        StreamsClient office = await story.BackEndAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "a", "b");
        story.OpenStore();
        story.Connect(story.AllOrders);
        await Eventually.EqualAsync(2, async () => (await story.EventsAsync(story.Orders)).Count, "the events come down");
        using HttpClient http = new() { BaseAddress = story.Clusters[0].HttpAddress };
        Uri cursors = new($"api/v1/cursors?consumer={Uri.EscapeDataString(story.AllOrders.Consumer.Value)}&stream={story.Orders}",
            UriKind.Relative);
        await Eventually.TrueAsync(async () => (await http.GetStringAsync(cursors)).Contains("\"offset\":2", StringComparison.Ordinal),
            "the cluster knows how far the box is");
        await story.StopAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "c");
        story.OpenStore("box-2");
        story.Connect(story.AllOrders);
        await Eventually.TrueAsync(async () => (await story.EventsAsync(story.Orders)).Count > 0, "the next one comes down");
        Assert.Equal([(2, "c")], (await story.EventsAsync(story.Orders)).Select(e => (e.Offset, e.Payload)));
    }

    [Fact]
    public async Task When_the_first_cluster_is_lost_the_second_goes_on_at_the_same_offset()
    {
        await using AgentStory story = await AgentStory.StartAsync(clusters: 2);
        StreamsClient office = await story.BackEndAsync();
        await AgentStory.PublishAsync(office, story.Orders, "press-1", "a", "b");
        story.OpenStore();
        story.Connect(story.AllOrders);
        await Eventually.EqualAsync(2, async () => (await story.EventsAsync(story.Orders)).Count, "the events come down");
        StreamsClient other = await story.BackEndAsync(1, "other");
        await AgentStory.PublishAsync(other, story.Orders, "press-1", "c");
        await Eventually.EqualAsync(3, async () => (await story.EventsAsync(story.Orders)).Count, "those of the other cluster come too");
        await story.Clusters[0].KillAsync();
        await Eventually.TrueAsync(() => story.Side.ConnectedTo?.Value == "ny", "it goes to the second");
        await AgentStory.PublishAsync(other, story.Orders, "press-1", "d");
        await Eventually.EqualAsync(4, async () => (await story.EventsAsync(story.Orders)).Count, "it goes on");
        Assert.Equal([("ny", 0L, "c"), ("ny", 1L, "d"), ("sj", 0L, "a"), ("sj", 1L, "b")],
            (await story.EventsAsync(story.Orders)).Select(e => (e.Lane.Origin.Cluster.Value, e.Offset, e.Payload)).Order());
    }

    [Fact]
    public async Task A_retained_message_comes_down_as_one()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        story.OpenStore();
        story.Connect(story.AllOrders);
        await using MqttClientConnection panel = await MqttClientConnection.ConnectAsync(new MqttClientOptions
        {
            Host = "127.0.0.1", Port = story.Clusters[0].Options.MqttPort, ClientId = "panel",
        }, static _ => default, TimeProvider.System);
        await panel.PublishAsync($"{story.Orders.Value[1..]}/setpoint", "7"u8.ToArray(), MqttQos.AtLeastOnce, retain: true);
        await Eventually.TrueAsync(() => story.Store.RetainedHead(story.Orders, "setpoint"u8) is { HasMessage: true }, "it comes down");
        Assert.Equal("7"u8.ToArray(), (await story.Store.RetainedAsync(story.Orders, "setpoint"u8.ToArray(), default))!.Payload.ToArray());
    }
}
