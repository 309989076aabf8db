using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Publishing without an outbox: done when a cluster has it, once and in order, whichever cluster that is.</summary>
public class StreamsProducerTests
{
    private static readonly StreamPath Fleet = ClientStory.Fleet;

    [Fact]
    public async Task Everything_published_is_stored_and_told_where()
    {
        ScriptedWorld world = new("a");
        await using StreamsProducer producer = Open(world);
        Task<StoredEvent>[] publishes = [.. Enumerable.Range(1, 2000).Select(
            i => producer.PublishAsync(Fleet, Topic("t"), Payload(i)).AsTask())];
        StoredEvent[] stored = await Task.WhenAll(publishes).WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(Enumerable.Range(0, 2000).Select(static i => (long)i), stored.Select(static s => s.Place.Offset.Value));
        Assert.All(stored, s => Assert.Equal(world["a"].Origin, s.Place.Origin));
        Assert.Equal(2000, world["a"].Events);
        await Eventually.EqualAsync(0, () => producer.Waiting, "nothing waits");
    }

    [Fact]
    public async Task A_flush_completes_when_all_that_was_taken_is_stored()
    {
        ScriptedWorld world = new("a");
        await using StreamsProducer producer = Open(world);
        for (int i = 1; i <= 5000; i++)
        {
            await producer.EnqueueAsync(Fleet, Topic("t" + (i % 50)), Payload(i));
        }

        await producer.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(5000, world["a"].Events);
        Assert.Equal(0, producer.Waiting);
        await producer.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Connections_that_are_cut_and_answers_that_are_lost_cost_nothing_and_double_nothing(int seed)
    {
        Random chance = new(seed);
        await using ClientStory story = new("a", "b");
        ScriptedWorld world = story.World;
        await story.OpenAsync(seed: seed);
        StreamsConsumer consumer = await story.ConsumeAsync();
        Task<List<string>> reading = ClientStory.ReadAsync(consumer, 3000);
        StreamsProducer producer = Open(world, options => options with { AnswerTimeout = TimeSpan.FromMilliseconds(300) });
        foreach (string name in (string[])["a", "b"])
        {
            world[name].LosesAnswer = () => Chance(40);
            world[name].Cuts = () => Chance(80);
        }

        Task<StoredEvent>[] publishes = new Task<StoredEvent>[3000];
        for (int i = 0; i < publishes.Length; i++)
        {
            publishes[i] = producer.PublishAsync(Fleet, Topic("t"), Payload(i + 1)).AsTask();
            if (i % 100 == 0)
            {
                await Task.Yield();
                world.Link("a", "b");
                world.Link("b", "a");
            }
        }

        Task<StoredEvent[]> all = Task.WhenAll(publishes);
        await Eventually.TrueAsync(
            () =>
            {
                world.Link("a", "b");
                world.Link("b", "a");
                return all.IsCompleted && reading.IsCompleted;
            },
            "everything is stored and given");
        Assert.Equal(ClientStory.Numbers(1, 3000), await reading);
        await all;
        await producer.DisposeAsync();

        bool Chance(int oneIn)
        {
            lock (chance)
            {
                return chance.Next(oneIn) == 0;
            }
        }
    }

    [Fact]
    public async Task Full_memory_makes_publishers_wait_in_the_order_of_their_calls()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        story.World["a"].GoDown();
        await using StreamsProducer producer = Open(story.World, options => options with { MemoryBytes = 1 << 20 });
        List<Task> publishes = [];
        for (int i = 1; i <= 300; i++)
        {
            publishes.Add(producer.EnqueueAsync(Fleet, Topic("t"), Payload(i, 8000)).AsTask());
        }

        int taken = publishes.Count(static p => p.IsCompletedSuccessfully);
        Assert.InRange(taken, 100, 131);
        Assert.Equal(taken, producer.Waiting);
        story.World["a"].IsUp = true;
        Assert.Equal(ClientStory.Numbers(1, 300), await ClientStory.ReadAsync(consumer, 300));
        await Task.WhenAll(publishes).WaitAsync(Eventually.DefaultLimit);
    }

    [Fact]
    public async Task Who_gives_up_waiting_for_room_is_not_stored_and_holds_nobody_up()
    {
        ScriptedWorld world = new("a");
        world["a"].GoDown();
        await using StreamsProducer producer = Open(world, options => options with { MemoryBytes = 1 << 20 });
        await producer.EnqueueAsync(Fleet, Topic("t"), new byte[900_000]);
        using CancellationTokenSource giveUp = new();
        Task great = producer.EnqueueAsync(Fleet, Topic("t"), new byte[500_000], cancellationToken: giveUp.Token).AsTask();
        Task small = producer.EnqueueAsync(Fleet, Topic("t"), new byte[10]).AsTask();
        Assert.False(great.IsCompleted || small.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => great);
        await small.WaitAsync(Eventually.DefaultLimit);
        world["a"].IsUp = true;
        await producer.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(2, world["a"].Events);
    }

    [Fact]
    public async Task An_event_refused_for_good_is_told_to_its_publisher_and_the_others_are_stored()
    {
        ScriptedWorld world = new("a");
        world["a"].BeforeTaking = static (_, batch) =>
        {
            foreach (EventView view in batch.Events)
            {
                if (Encoding.UTF8.GetString(view.Payload.Span) == "77")
                {
                    return new ClusterAnswer(ClusterAnswer.PayloadInvalid, "77 is not liked here", []);
                }
            }

            return null;
        };
        world["a"].GoDown();
        await using StreamsProducer producer = Open(world);
        Task<StoredEvent>[] publishes = [.. Enumerable.Range(1, 200).Select(
            i => producer.PublishAsync(Fleet, Topic("t"), Payload(i)).AsTask())];
        Task flush = producer.FlushAsync();
        world["a"].IsUp = true;
        InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(
            () => publishes[76].WaitAsync(Eventually.DefaultLimit));
        Assert.Contains("77 is not liked here", refused.Message, StringComparison.Ordinal);
        await Task.WhenAll(publishes.Where(static (_, i) => i != 76)).WaitAsync(Eventually.DefaultLimit);
        await Assert.ThrowsAsync<InvalidRequestException>(() => flush.WaitAsync(Eventually.DefaultLimit));
        Assert.Equal(199, world["a"].Events);
        await producer.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    [Fact]
    public async Task What_is_over_a_limit_is_refused_at_once_and_takes_no_sequence()
    {
        ScriptedWorld world = new("a");
        await using StreamsProducer producer = Open(world);
        await Assert.ThrowsAsync<InvalidRequestException>(
            async () => await producer.PublishAsync(Fleet, Topic("t"), new byte[(1 << 20) + 1]));
        await Assert.ThrowsAsync<InvalidRequestException>(async () => await producer.EnqueueAsync(Fleet, default, new byte[1]));
        await Assert.ThrowsAsync<InvalidRequestException>(
            async () => await producer.EnqueueAsync(Fleet, Topic("t"), new byte[1], new byte[EventLimits.MaxKeyBytes + 1]));
        StoredEvent stored = await producer.PublishAsync(Fleet, Topic("t"), new byte[1 << 20]).AsTask().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(0, stored.Place.Offset.Value);
        Assert.Equal(1, world["a"].Events);
    }

    [Fact]
    public async Task Closing_tells_everybody_whose_event_no_cluster_took()
    {
        ScriptedWorld world = new("a");
        world["a"].GoDown();
        CollectingLoggerProvider logs = new();
        StreamsProducer producer = Open(world, options => options with { MemoryBytes = 1 << 20 }, logs);
        Task<StoredEvent> taken = producer.PublishAsync(Fleet, Topic("t"), new byte[1 << 20]).AsTask();
        Task<StoredEvent> waits = producer.PublishAsync(Fleet, Topic("t"), new byte[10]).AsTask();
        await producer.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => taken);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waits);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await producer.EnqueueAsync(Fleet, Topic("t"), new byte[1]));
        Assert.Contains("1 events were given up", logs.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Faulty_options_are_named_all_at_once()
    {
        ConfigurationException faults = Assert.Throws<ConfigurationException>(() => StreamsProducer.Open(
            new StreamsProducerOptions { Name = "", Clusters = [], MemoryBytes = 5, BatchBytes = 1 }));
        Assert.Equal(4, faults.Message.Split('\n').Length);
    }

    private static StreamsProducer Open(ScriptedWorld world, Func<StreamsProducerOptions, StreamsProducerOptions>? change = null,
        CollectingLoggerProvider? logs = null)
    {
        StreamsProducerOptions options = new()
        {
            Name = "back-end",
            Clusters = world.Endpoints,
            BatchBytes = 4096,
            ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
            FailBackAfter = Timeout.InfiniteTimeSpan,
            AnswerTimeout = TimeSpan.FromSeconds(5),
        };
        return StreamsProducer.Open(change?.Invoke(options) ?? options, world, logs, null, new Random(7));
    }

    private static TopicName Topic(string name) => name.Length == 0 ? default : TopicName.Parse(name);

    private static byte[] Payload(int number, int bytes = 0) => Encoding.UTF8.GetBytes($"{number}".PadRight(bytes));
}
