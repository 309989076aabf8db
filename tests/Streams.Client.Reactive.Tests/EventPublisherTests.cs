using System.Reactive.Linq;
using System.Reactive.Subjects;
using Streams.Client.Tests;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Reactive.Tests;

public class EventPublisherTests
{
    [Theory]
    [InlineData(1, 100)]
    [InlineData(64, 500)]
    public async Task A_sequence_is_published_in_its_order(int inFlight, int count)
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        EventPublisher<string> publisher = Publisher(story, inFlight);
        using IDisposable subscription = ClientStory.Numbers(1, count).ToObservable().Subscribe(publisher);
        await publisher.Completion.WaitAsync(Eventually.DefaultLimit);
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        Assert.Equal(ClientStory.Numbers(1, count), await ClientStory.ReadAsync(consumer, count));
    }

    [Fact]
    public async Task The_error_of_a_sequence_comes_behind_what_it_gave()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        EventPublisher<string> publisher = Publisher(story);
        using IDisposable subscription = ClientStory.Numbers(1, 50).ToObservable().Concat(Observable.Throw<string>(new FormatException()))
            .Subscribe(publisher);
        await Assert.ThrowsAsync<FormatException>(() => publisher.Completion.WaitAsync(Eventually.DefaultLimit));
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(50, story.World["a"].Events);
    }

    [Fact]
    public async Task A_full_outbox_holds_the_source()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { OutboxBytes = 1 << 20 });
        EventPublisher<string> publisher = Publisher(story, inFlight: 4);
        using Subject<string> readings = new();
        using IDisposable subscription = readings.Subscribe(publisher);
        int given = 0;
        Task feeding = Task.Run(() =>
        {
            while (given < 200)
            {
                readings.OnNext(new string('x', 20_000));
                given++;
            }

            readings.OnCompleted();
        });
        await Eventually.TrueAsync(() => story.Client.OutboxEvents >= 10 && given - story.Client.OutboxEvents >= 4,
            "the outbox is full and as many wait as may");
        Assert.InRange(given, 10, 60);
        Assert.False(feeding.IsCompleted);
        Assert.False(publisher.Completion.IsCompleted);
        story.World["a"].IsUp = true;
        await feeding.WaitAsync(TimeSpan.FromSeconds(60));
        await publisher.Completion.WaitAsync(Eventually.DefaultLimit);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(200, story.World["a"].Events);
    }

    [Fact]
    public async Task A_publish_that_fails_is_told_to_the_source_and_to_who_waits()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        EventPublisher<string> publisher = Publisher(story);
        await story.Client.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => publisher.OnNext("1"));
        Assert.Throws<ObjectDisposedException>(() => publisher.OnNext("2"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => publisher.Completion.WaitAsync(Eventually.DefaultLimit));
    }

    [Fact]
    public async Task A_publish_that_fails_later_wakes_who_waits_for_room()
    {
        TaskCompletionSource<PublishReceipt> late = new();
        EventPublisher<int> publisher = new(_ => new ValueTask<PublishReceipt>(late.Task), 1);
        publisher.OnNext(1);
        Task<StorageFailedException> second = Task.Run(() => Assert.Throws<StorageFailedException>(() => publisher.OnNext(2)));
        late.SetException(new StorageFailedException("the disk is full") { IsFull = true });
        Assert.True((await second.WaitAsync(Eventually.DefaultLimit)).IsFull);
        await Assert.ThrowsAsync<StorageFailedException>(() => publisher.Completion.WaitAsync(Eventually.DefaultLimit));
    }

    private static EventPublisher<string> Publisher(ClientStory story, int inFlight = 8) =>
        story.Client.ToObserver(ClientStory.Fleet, static _ => TopicName.Parse("t"), EventSerializer.Text, inFlight: inFlight);
}
