using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;
using System.Text;
using Streams.Client.Tests;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Reactive.Tests;

public class ConsumerObservableTests
{
    [Fact]
    public async Task Cold_nothing_is_opened_before_somebody_subscribes_and_unsubscribing_closes()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await Eventually.TrueAsync(() => story.Client.ConnectedTo is not null, "it is connected");
        IObservable<ReceivedEvent> events = story.Client.Observe(Options("c"));
        Assert.Empty(story.World["a"].Subscriptions);
        ConcurrentQueue<string> seen = [];
        using (events.AcknowledgeAfterNext().Subscribe(received => seen.Enqueue(Text(received))))
        {
            await Eventually.TrueAsync(() => story.World["a"].Subscriptions.Count == 1, "the consumer has opened its stream");
            await story.PublishAsync(20);
            await Eventually.EqualAsync(20, () => seen.Count, "all are seen");
        }

        await Eventually.TrueAsync(() => story.World["a"].Subscriptions.Count == 0, "the consumer is closed");
        await story.PublishAsync(5);
        using IDisposable again = events.Subscribe(received => seen.Enqueue(Text(received)));
        await Eventually.EqualAsync(25, () => seen.Count, "the second subscription goes on behind what was acknowledged");
        Assert.Equal(ClientStory.Numbers(1, 25), seen);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Cold_every_subscription_has_a_consumer_of_its_own_so_a_second_one_of_the_name_is_an_error()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        ConcurrentQueue<string> seen = [];
        using IDisposable first = story.Client.Observe(Options("c")).Subscribe(received => seen.Enqueue(Text(received)));
        await Eventually.TrueAsync(() => story.World["a"].Subscriptions.Count == 1, "the first has opened");
        InvalidRequestException fault = await Assert.ThrowsAsync<InvalidRequestException>(() =>
            story.Client.Observe(Options("c")).ToTask().WaitAsync(Eventually.DefaultLimit));
        Assert.Contains("open in this client already", fault.Message, StringComparison.Ordinal);
        using IDisposable other = story.Client.Observe(Options("d")).Subscribe(received => seen.Enqueue(Text(received)));
        await story.PublishAsync(10);
        await Eventually.EqualAsync(20, () => seen.Count, "both consumers have all");
    }

    [Fact]
    public async Task Hot_observers_share_one_consumer_that_closes_with_the_last()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        IObservable<ReceivedEvent> hot = story.Client.Observe(Options("c")).AcknowledgeAfterNext().Publish().RefCount();
        ConcurrentQueue<string> one = [];
        ConcurrentQueue<string> two = [];
        IDisposable first = hot.Subscribe(received => one.Enqueue(Text(received)));
        IDisposable second = hot.Subscribe(received => two.Enqueue(Text(received)));
        await story.PublishAsync(10);
        await Eventually.EqualAsync(10, () => two.Count, "the second has all");
        Assert.Single(story.World["a"].Subscriptions);
        second.Dispose();
        await story.PublishAsync(10);
        await Eventually.EqualAsync(20, () => one.Count, "the first goes on");
        Assert.Equal(10, two.Count);
        first.Dispose();
        using IDisposable third = hot.Subscribe(received => two.Enqueue(Text(received)));   // at once: it waits for the closing
        await story.PublishAsync(10);
        await Eventually.EqualAsync(20, () => two.Count, "opened anew");
        Assert.Equal(ClientStory.Numbers(1, 10).Concat(ClientStory.Numbers(21, 30)), two);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task The_source_waits_for_the_observer_and_fetches_no_more_than_it_may()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { ReceiveBytes = 64 << 10 });
        using SemaphoreSlim turn = new(0);
        int inside = 0;
        int most = 0;
        ConcurrentQueue<string> seen = [];
        using IDisposable subscription = story.Client.Observe(Options("c")).Subscribe(received =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            seen.Enqueue(Text(received));
            Assert.True(turn.Wait(Eventually.DefaultLimit));
            received.Acknowledge();
            Interlocked.Decrement(ref inside);
        });
        await story.PublishAsync(400, bytes: 1000);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await Eventually.EqualAsync(1, () => seen.Count, "the first is in the observer's hands");
        ScriptedSubscription open = Assert.Single(story.World["a"].Subscriptions);
        Assert.True(open.Credit <= 0, $"the cluster may send {open.Credit} more bytes");
        Assert.InRange(open.LowestCredit, -8192, 0);                 // one batch more than the credit, at most
        turn.Release(400);
        await Eventually.EqualAsync(400, () => seen.Count, "all come");
        Assert.Equal(ClientStory.Numbers(1, 400), seen);
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Subscribing_again_and_again_gives_each_event_once()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(20);
        IList<string> seen = await story.Client.Observe(Options("c")).AcknowledgeAfterNext().Select(Text).Take(1).Repeat(20)
            .ToList().ToTask().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(ClientStory.Numbers(1, 20), seen);
    }

    [Fact]
    public async Task An_observer_that_throws_has_acknowledged_nothing_and_is_not_passed_over_in_silence()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        ConcurrentQueue<Exception> escalated = [];
        Source<ReceivedEvent> source = StreamsObservable.Opening(story.Client, Options("c"), static (_, received) => received) with
        {
            Escalate = escalated.Enqueue,
        };
        using IDisposable subscription = StreamsObservable.From(source).AcknowledgeAfterNext().Subscribe(static received =>
        {
            if (Text(received) == "3")
            {
                throw new FormatException("three");
            }
        });
        await story.PublishAsync(5);
        await Eventually.EqualAsync("three", () => escalated.SingleOrDefault()?.Message ?? "", "the exception is thrown on");
        await using StreamsConsumer again = await story.ConsumeAsync();      // the name is free
        Assert.Equal("3", (await ClientStory.ReadAsync(again, 1))[0]);       // closing kept what was acknowledged, and no more
    }

    [Fact]
    public async Task An_error_without_a_handler_is_not_passed_over_in_silence()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        ConcurrentQueue<Exception> escalated = [];
        Source<ReceivedEvent> source = StreamsObservable.Opening(story.Client, Options("c") with { Filters = ["a/#/b"] },
            static (_, received) => received) with { Escalate = escalated.Enqueue };
        using IDisposable subscription = StreamsObservable.From(source).Subscribe(static _ => { });
        await Eventually.TrueAsync(() => escalated.SingleOrDefault() is InvalidRequestException, "the fault is thrown on");
    }

    [Fact]
    public async Task Closing_the_client_completes_the_sequence()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        Task<IList<string>> all = story.Client.Observe(Options("c")).AcknowledgeAfterNext().Select(Text).ToList().ToTask();
        await story.PublishAsync(3);
        await Eventually.TrueAsync(() => story.World["a"].Cursors.Count > 0, "something is acknowledged");
        await story.Client.DisposeAsync();
        Assert.Equal(ClientStory.Numbers(1, 3), await all.WaitAsync(Eventually.DefaultLimit));
    }

    [Fact]
    public async Task Values_come_typed_and_what_is_none_ends_nothing()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        IEventSerializer<int> digits = EventSerializer.From<int>(static (_, _) => { }, static payload => int.Parse(payload.Span));
        Task<IList<string>> seen = story.Client.Observe(Options("c"), digits).AcknowledgeAfterNext()
            .Select(static r => r.TryGetValue(out int value) ? $"{value}" : r.Fault!.GetType().Name).Take(3).ToList().ToTask();
        await story.PublishAsync(1);
        await story.Client.PublishAsync(ClientStory.Fleet, TopicName.Parse("t"), "x"u8.ToArray());
        await story.PublishAsync(1);
        Assert.Equal(["1", nameof(FormatException), "2"], await seen.WaitAsync(Eventually.DefaultLimit));
    }

    [Fact]
    public async Task A_consumer_that_is_open_can_be_observed_and_stays_open()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(4);
        IObservable<string> texts = consumer.AsObservable().AcknowledgeAfterNext().Select(Text);
        Assert.Equal(["1", "2"], await texts.Take(2).ToList().ToTask().WaitAsync(Eventually.DefaultLimit));
        Assert.Equal(["3", "4"], await texts.Take(2).ToList().ToTask().WaitAsync(Eventually.DefaultLimit));
        await story.PublishAsync(1);
        Assert.Equal(["5"], await ClientStory.ReadAsync(consumer, 1));
    }

    [Fact]
    public async Task The_activity_of_an_event_is_current_in_OnNext()
    {
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "Streams.Client",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        await using ClientStory story = new("a");
        await story.OpenAsync();
        using Activity outer = new Activity("outer").Start();
        Task<Activity?> current = story.Client.Observe(Options("c")).Select(static received =>
            Activity.Current == received.Activity ? Activity.Current : null).Take(1).ToTask();
        await story.PublishAsync(1);
        Activity? consume = await current.WaitAsync(Eventually.DefaultLimit);
        Assert.Equal("consume", consume?.OperationName);
        Assert.NotEqual(outer.TraceId, consume!.TraceId);            // not a child of whoever subscribed
        Assert.Equal(outer.TraceId, Assert.Single(consume.Links).Context.TraceId);
    }

    private static ConsumerOptions Options(string name) => new() { Name = ConsumerName.Parse(name), Stream = ClientStory.Fleet };

    private static string Text(ReceivedEvent received) => Encoding.UTF8.GetString(received.Payload.Span).TrimEnd();
}
