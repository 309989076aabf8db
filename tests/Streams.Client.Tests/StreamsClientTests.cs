using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class StreamsClientTests
{
    [Fact]
    public async Task Everything_published_is_stored_and_its_receipt_says_where()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        List<PublishReceipt> receipts = await story.PublishAsync(300);
        StoredEvent[] stored = await Task.WhenAll(receipts.Select(static r => r.Stored)).WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(receipts.Select(static r => r.Identity.Sequence - 1), stored.Select(static s => s.Place.Offset.Value));
        Assert.All(stored, s => Assert.Equal(story.World["a"].Origin, s.Place.Origin));
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(0, story.Client.OutboxEvents);
        Assert.Equal(300, story.World["a"].Events);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Partitions_that_come_while_a_consumer_is_connected_are_read_and_written()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await using StreamsConsumer consumer = await story.Client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("c"), Stream = ClientStory.Fleet, Filters = ["#"] });
        Task<List<string>> reading = ClientStory.ReadAsync(consumer, 120);
        await story.PublishAsync(20);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await Eventually.TrueAsync(() => story.World["a"].Subscriptions.Count == 1, "the consumer has opened its stream");

        story.World["a"].Grow(9);
        HashSet<PartitionId> used = [];
        for (int i = 0; i < 100; i++)
        {
            used.UnionWith((await story.PublishAsync(1, "topic-" + i)).Select(static r => r.Partition.Partition));
            await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        }

        Assert.Equal(ClientStory.Numbers(1, 120).Order(), (await reading).Order());
        Assert.Contains(used, static p => p.Value >= StreamSettings.DefaultPartitions);
        Assert.Equal(1, story.World["a"].Hellos);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Publishing_needs_no_network_and_what_waits_is_sent_at_the_next_opening()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync();
        List<PublishReceipt> receipts = await story.PublishAsync(20);
        await story.Client.DisposeAsync();
        Assert.All(receipts, static r => Assert.True(r.Stored.IsCanceled));

        story.World["a"].IsUp = true;
        await story.OpenAsync(seed: 2);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(20, story.World["a"].Events);
        Assert.All(story.World["a"].Twins, Assert.True);         // R18: after a restart all of the outbox
    }

    [Fact]
    public async Task Batches_that_were_taken_and_not_answered_are_found_by_the_handshake()
    {
        await using ClientStory story = new("a");
        int taken = 0;
        story.World["a"].LosesAnswer = () => taken++ == 0;
        await story.OpenAsync(story.Options with { AnswerTimeout = TimeSpan.FromMilliseconds(300) });
        List<PublishReceipt> receipts = await story.PublishAsync(100);
        await Task.WhenAll(receipts.Select(static r => r.Stored)).WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(100, story.World["a"].Events);
        Assert.Equal(2, story.World["a"].Hellos);
    }

    [Fact]
    public async Task A_batch_lost_inside_ends_the_session_and_everything_comes_in_order_in_the_next()
    {
        await using ClientStory story = new("a");
        int seen = 0;
        story.World["a"].BeforeTaking = (_, _) => ++seen == 2 ? new ClusterAnswer(0xFF, "", []) : null;
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(1000);
        Assert.Equal(ClientStory.Numbers(1, 1000), await ClientStory.ReadAsync(consumer, 1000));
        Assert.Equal(1000, story.World["a"].Events);
        Assert.True(story.World["a"].Hellos > 1);
    }

    [Fact]
    public async Task A_cluster_that_does_not_write_is_left_for_the_next()
    {
        await using ClientStory story = new("a", "b");
        story.World["a"].BeforeTaking = static (_, _) => new ClusterAnswer(0x83, nameof(ProduceRefusal.NotWriting), []);
        await story.OpenAsync();
        await story.PublishAsync(5);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(5, story.World["b"].Events);
        Assert.Equal("b", story.Client.ConnectedTo?.Value);
    }

    [Fact]
    public async Task Failover_and_back_loses_nothing_gives_nothing_twice_and_keeps_the_order()
    {
        await using ClientStory story = new("a", "b");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(50);
        Assert.Equal(ClientStory.Numbers(1, 50), await ClientStory.ReadAsync(consumer, 50));

        // Taken at a, not answered, and a is gone before b has heard of it: twins.
        story.World.Link("a", "b");
        story.World["a"].LosesAnswer = static () => true;
        await story.PublishAsync(50);
        await Eventually.EqualAsync(100, () => story.World["a"].Events, "a has taken them");
        story.World["a"].GoDown();
        await story.PublishAsync(50);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        List<string> read = await ClientStory.ReadAsync(consumer, 100);
        Assert.Equal(ClientStory.Numbers(51, 150), read);

        // The lane of a arrives at last: all of it was given.
        story.World.Link("a", "b");
        await story.PublishAsync(10);
        Assert.Equal(ClientStory.Numbers(151, 160), await ClientStory.ReadAsync(consumer, 10));
        Assert.Equal(["-", "b"], story.Changes.TakeLast(2));
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task An_event_waits_for_the_earlier_one_in_a_lane_that_is_not_here_yet()
    {
        await using ClientStory story = new("a", "b");
        await story.OpenAsync();
        await story.PublishAsync(3);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        story.World["a"].GoDown();
        await story.PublishAsync(3);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        StreamsConsumer consumer = await story.ConsumeAsync();
        Task<List<string>> reading = ClientStory.ReadAsync(consumer, 6);
        await Eventually.TrueAsync(() => story.World["b"].Subscriptions.Any(static s => s.Positions.Count > 0),
            "b has delivered what it has");
        Assert.False(reading.IsCompleted);
        story.World.Link("a", "b");
        Assert.Equal(ClientStory.Numbers(1, 6), await reading);
    }

    [Fact]
    public async Task Patience_gives_the_order_up_and_says_so()
    {
        await using ClientStory story = new("a", "b");
        await story.OpenAsync(story.Options with { Patience = TimeSpan.FromMilliseconds(200) });
        await story.PublishAsync(3);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        story.World["a"].GoDown();
        await story.PublishAsync(3);
        StreamsConsumer consumer = await story.ConsumeAsync();
        List<bool> released = [];
        Assert.Equal(ClientStory.Numbers(4, 6), await ClientStory.ReadAsync(consumer, 3, each: e => released.Add(e.OrderReleased)));
        Assert.True(released[0]);
        story.World.Link("a", "b");
        Assert.Equal(ClientStory.Numbers(1, 3), await ClientStory.ReadAsync(consumer, 3));
    }

    [Fact]
    public async Task An_event_refused_for_good_is_parked_alone_and_its_receipt_fails()
    {
        await using ClientStory story = new("a");
        story.World["a"].BeforeTaking = static (_, batch) =>
        {
            foreach (EventView view in batch.Events)
            {
                if (view.Topic.Span.SequenceEqual("bad"u8))
                {
                    return new ClusterAnswer(ClusterAnswer.PayloadInvalid, "bad topic", []);
                }
            }

            return null;
        };
        story.World["a"].IsUp = false;
        await story.OpenAsync();
        // One key, so that good and bad stand in one batch.
        List<PublishReceipt> receipts = [];
        for (int i = 0; i < 9; i++)
        {
            receipts.Add(await story.Client.PublishAsync(ClientStory.Fleet, TopicName.Parse(i == 4 ? "bad" : "good"), new byte[] { 1 },
                "k"u8.ToArray()));
        }

        story.World["a"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(8, story.World["a"].Events);
        InvalidRequestException e = await Assert.ThrowsAsync<InvalidRequestException>(() => receipts[4].Stored);
        Assert.Contains("bad topic", e.Message, StringComparison.Ordinal);
        await Task.WhenAll(receipts.Where((_, i) => i != 4).Select(static r => r.Stored)).WaitAsync(Eventually.DefaultLimit);
    }

    [Fact]
    public async Task A_cut_in_the_middle_of_anything_loses_nothing_and_gives_nothing_twice()
    {
        SeededRandom random = Seeds.Next();
        await using ClientStory story = new("a", "b");
        int left = 40;
        bool Chance(int of)
        {
            lock (random)
            {
                return random.Next(of) == 0;
            }
        }

        bool Cut() => left > 0 && Chance(12) && left-- > 0;
        story.World["a"].Cuts = Cut;
        story.World["b"].Cuts = Cut;
        story.World["a"].LosesAnswer = () => Chance(20);
        await story.OpenAsync(story.Options with { AnswerTimeout = TimeSpan.FromMilliseconds(300), BatchesInFlight = 4 });
        StreamsConsumer consumer = await story.ConsumeAsync();
        long seen = 0;
        Task<List<string>> reading = ClientStory.ReadAsync(consumer, 1200, each: _ => Interlocked.Increment(ref seen));
        for (int i = 0; i < 60; i++)
        {
            await story.PublishAsync(20, bytes: 200);
            story.World.Link("a", "b");
            story.World.Link("b", "a");
        }

        while (!reading.IsCompleted)
        {
            story.World.Link("a", "b");
            story.World.Link("b", "a");
            long given = Interlocked.Read(ref seen);
            await Task.WhenAny(reading, Eventually.TrueAsync(() => Interlocked.Read(ref seen) != given || reading.IsCompleted,
                "something comes"));
        }

        Assert.True(ClientStory.Numbers(1, 1200).SequenceEqual(await reading), $"{random}: {story.Logs.Text}");
    }

    [Fact]
    public async Task What_is_acknowledged_is_committed_and_what_is_not_comes_again_after_a_restart()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(10);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 10, acknowledge: false, given.Add);
        foreach (int i in new[] { 0, 1, 2, 5, 6 })
        {
            given[i].Acknowledge();
            given[i].Acknowledge();
        }

        await story.Client.DisposeAsync();
        StreamPartition partition = new(ClientStory.Fleet, given[0].Partition);
        Assert.Equal(3, story.World["a"].Cursors[(ConsumerName.Parse("c"), partition)][story.World["a"].Origin].Value);

        await story.OpenAsync(seed: 2);
        consumer = await story.ConsumeAsync();
        Assert.Equal(["4", "5", "8", "9", "10"], await ClientStory.ReadAsync(consumer, 5));
        await Eventually.EqualAsync(10L, () => consumer.Cursor(given[0].Partition)[story.World["a"].Origin].Value, "all is kept");
        await Eventually.EqualAsync(
            10L, () => story.World["a"].Cursors[(ConsumerName.Parse("c"), partition)][story.World["a"].Origin].Value, "all is committed");
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_sent_no_more_than_its_credit_and_one_delivery()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { ReceiveBytes = 64 << 10 });
        StreamsConsumer consumer = await story.ConsumeAsync();
        await Eventually.TrueAsync(() => story.World["a"].Subscriptions.Count == 1, "the consumer is open");
        await story.PublishAsync(600, bytes: 1000);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        ScriptedSubscription subscription = story.World["a"].Subscriptions.Single();
        Assert.True(subscription.Credit <= 0);
        Assert.Equal(ClientStory.Numbers(1, 600), await ClientStory.ReadAsync(consumer, 600));
        Assert.InRange(subscription.LowestCredit, -8192, 0);
    }

    [Fact]
    public async Task A_rewind_gives_again_what_is_at_or_behind_it()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(10);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 10, each: given.Add);
        Origin a = story.World["a"].Origin;
        story.World["a"].Rewind(ConsumerName.Parse("c"), new StreamPartition(ClientStory.Fleet, given[0].Partition),
            Cursor.Start.With(a, new Offset(6)) is var at ? new Cursor(new Generation(1, a), at.Positions, []) : at);
        Assert.Equal(["7", "8", "9", "10"], await ClientStory.ReadAsync(consumer, 4));
    }

    [Fact]
    public async Task It_goes_back_to_the_preferred_cluster_when_that_is_well_again()
    {
        await using ClientStory story = new("a", "b");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { FailBackAfter = TimeSpan.FromMilliseconds(150) });
        await Eventually.TrueAsync(() => story.Client.ConnectedTo?.Value == "b", "b is connected");
        story.World["a"].IsUp = true;
        await Eventually.TrueAsync(() => story.Client.ConnectedTo?.Value == "a", "a is connected again");
        Assert.Equal(["-", "a"], story.Changes.TakeLast(2));
    }

    [Fact]
    public async Task One_reader_at_a_time_and_one_consumer_of_a_name()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await Assert.ThrowsAsync<InvalidRequestException>(async () => await story.ConsumeAsync());
        await using IAsyncEnumerator<ReceivedEvent> first = consumer.ReadAllAsync().GetAsyncEnumerator();
        ValueTask<bool> waiting = first.MoveNextAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await consumer.ReadAllAsync().GetAsyncEnumerator().MoveNextAsync());
        await consumer.DisposeAsync();
        Assert.False(await waiting);
        await using StreamsConsumer again = await story.ConsumeAsync();
    }

    [Fact]
    public async Task Faulty_options_are_told_all_together()
    {
        await using ClientStory story = new("a");
        ConfigurationException e = await Assert.ThrowsAsync<ConfigurationException>(() => story.OpenAsync(story.Options with
        {
            Name = "",
            Clusters = [],
            OutboxBytes = 1,
            BatchBytes = 1,
            ReceiveBytes = 1,
            KeepAlive = TimeSpan.Zero,
        }));
        Assert.Equal(6, e.Message.Split('\n').Length);
    }
}
