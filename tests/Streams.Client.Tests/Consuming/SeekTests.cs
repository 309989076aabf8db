using System.Diagnostics.Metrics;
using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class SeekTests
{
    private static readonly ConsumerName Name = ConsumerName.Parse("c");

    [Fact]
    public async Task What_was_handed_out_up_to_an_event_is_acknowledged_at_once_and_what_waits_is_not()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(12);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 8, acknowledge: false, given.Add);
        given[1].Acknowledge();
        given[5].AcknowledgeUpTo();
        given[3].AcknowledgeUpTo();
        await story.Client.DisposeAsync();
        StreamPartition partition = new(ClientStory.Fleet, given[0].Partition);
        Assert.Equal(6, story.World["a"].Cursors[(Name, partition)][story.World["a"].Origin].Value);

        await story.OpenAsync(seed: 2);
        consumer = await story.ConsumeAsync();
        Assert.Equal(ClientStory.Numbers(7, 12), await ClientStory.ReadAsync(consumer, 6));
    }

    [Fact]
    public void What_was_released_late_and_waits_is_not_acknowledged_with_what_stands_behind_it()
    {
        ReaderStory story = new();
        story.Events("A.1", 0, 'p', 2, after: [("B.1", 0)]);               // waits for B
        story.Events("A.1", 1, 'q', 1, count: 2, acknowledge: false);
        story.Events("B.1", 0, 'p', 1, acknowledge: false);                // p:2 is given now, at a lower offset than q's
        List<SequenceSpan> spans = [];
        story.Reader.HandedOut(new EventPlace(ReaderStory.Lane("A.1"), new Offset(1)), 0, spans);
        Assert.Equal([("p", 2, 2), ("q", 1, 1)], spans.Select(Text).Order());

        ReadyQueue ready = new(1 << 20);
        ConsumerPartition partition = new(new KeptPartition(new PartitionId(0), Cursor.Start, [], []), new StreamsClientOptions
        {
            Name = "x",
            Clusters = [],
            OutboxPath = "x",
        }, new EventContent(ClientStory.Fleet, new PartitionId(0), (_, _, _, _) => { }, (_, _, _) => { }));
        ready.Add(new GivenEvents(ReaderStory.Lane("A.1"), 0, ReaderStory.Identity('p', 2), 1, null, 0, default, false, 0), partition, 0);
        ready.Except(partition, ReaderStory.Lane("A.1"), spans);
        Assert.Equal([("q", 1, 1)], spans.Select(Text));
        spans.Add(new SequenceSpan(new ProducerEpoch(ReaderStory.Producer('p'), 1), 1, 3));
        ready.Except(partition, ReaderStory.Lane("B.1"), spans);
        Assert.Equal(2, spans.Count);                                      // of another lane
        ready.Except(partition, ReaderStory.Lane("A.1"), spans);
        Assert.Equal([("p", 1, 1), ("p", 3, 3), ("q", 1, 1)], spans.Select(Text).Order());

        static (string, long, long) Text(SequenceSpan span) =>
            (span.Key.Producer == ReaderStory.Producer('p') ? "p" : "q", span.First, span.Last);
    }

    [Fact]
    public async Task Seeking_in_the_middle_of_reading_goes_on_there_with_the_very_next_event()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { ReceiveBytes = 64 << 10 });
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(300, bytes: 1000);                        // more than the window, so the cluster has no credit left
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        List<string> read = [];
        List<ReceivedEvent> old = [];
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            read.Add(Encoding.UTF8.GetString(received.Payload.Span).TrimEnd());
            old.Add(received);
            received.Acknowledge();
            switch (read.Count)
            {
                case 20:
                    await consumer.SeekAsync(SeekPosition.At(received.Partition, old[4].Place), limit.Token);
                    break;
                case 30:
                    await consumer.SeekAsync(SeekPosition.Earliest, limit.Token);
                    old[19].Acknowledge();                                 // of a life that is over
                    old[19].AcknowledgeUpTo();
                    break;
                case 33:
                    await consumer.SeekAsync(SeekPosition.Latest, limit.Token);
                    await story.PublishAsync(2);
                    break;
            }

            if (read[^1] == "302")
            {
                break;
            }
        }

        Assert.Equal([.. ClientStory.Numbers(1, 20), .. ClientStory.Numbers(5, 14), .. ClientStory.Numbers(1, 3), "301", "302"], read);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task A_rewind_is_kept_and_goes_on_at_another_cluster_that_knew_only_the_old_place()
    {
        await using ClientStory story = new("a", "b");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(10);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 10, each: given.Add);
        StreamPartition partition = new(ClientStory.Fleet, given[0].Partition);
        Origin a = story.World["a"].Origin;
        await Eventually.EqualAsync(10L, () => consumer.Cursor(partition.Partition)[a].Value, "all is kept");
        story.World.Link("a", "b");
        story.World["b"].Cursors[(Name, partition)] = story.World["a"].Cursors.GetValueOrDefault((Name, partition))
            ?? Cursor.Start.With(a, new Offset(10));
        await consumer.SeekAsync(SeekPosition.At(partition.Partition, given[6].Place)).WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(1, consumer.Cursor(partition.Partition).Generation.Number);
        Assert.Equal(6, story.World["a"].Cursors[(Name, partition)][a].Value);

        story.World["a"].GoDown();
        Assert.Equal(ClientStory.Numbers(7, 10), await ClientStory.ReadAsync(consumer, 4));
        await Eventually.EqualAsync((1L, 10L), () => story.World["b"].Cursors[(Name, partition)] is var c
            ? (c.Generation.Number, c[a].Value) : default, "the other cluster has the rewound cursor, and what was acknowledged since");
        Assert.Equal("b", story.Client.ConnectedTo?.Value);
    }

    [Fact]
    public async Task A_place_that_is_not_there_changes_nothing()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(3);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 2, each: given.Add);
        EventPlace beyond = new(given[0].Place.Origin, new Offset(4));
        await Assert.ThrowsAsync<InvalidRequestException>(() => consumer.SeekAsync(SeekPosition.At(given[0].Partition, beyond)));
        Assert.Equal(["3"], await ClientStory.ReadAsync(consumer, 1));
        Assert.Equal(0, consumer.Cursor(given[0].Partition).Generation.Number);
        Assert.Throws<ArgumentException>(() => SeekPosition.At([]));
    }

    [Fact]
    public async Task What_was_acknowledged_before_a_kill_is_not_given_again_by_a_cluster_that_never_heard_of_it()
    {
        using TemporaryDirectory image = new();
        await using ClientStory story = new("a", "b");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(10);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 10, each: given.Add);
        Origin a = story.World["a"].Origin;
        await Eventually.EqualAsync(10L, () => consumer.Cursor(given[0].Partition)[a].Value, "all is kept");
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(story.Options.OutboxPath)!, "outbox.db*")
            .Where(static f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            File.Copy(file, image.Combine(Path.GetFileName(file)));        // what a kill -9 leaves now
        }

        story.World.Link("a", "b");
        await story.Client.DisposeAsync();
        story.World["a"].GoDown();
        await story.OpenAsync(story.Options with { OutboxPath = image.Combine("outbox.db") }, seed: 2);
        consumer = await story.ConsumeAsync();
        await story.PublishAsync(1);
        Assert.Equal(["11"], await ClientStory.ReadAsync(consumer, 1));
        Assert.Equal("b", story.Client.ConnectedTo?.Value);
    }

    [Fact]
    public async Task How_far_it_is_behind_is_told_per_lane_and_in_all_and_as_a_gauge()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(10);
        await ClientStory.ReadAsync(consumer, 4);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Null(consumer.LastLag);
        using MeterListener listener = new();
        long gauge = -1;
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "streams.client.consumer.lag" && instrument.Meter.Tags!.Any(static t => Equals(t.Value, "car-17")))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => gauge = tags.Length == 2 ? value : -2);
        listener.Start();
        await Eventually.TrueAsync(() =>
        {
            listener.RecordObservableInstruments();
            return gauge == 6;
        }, "the gauge asks and says what is known", seen: () => $"{gauge}");

        ConsumerLag lag = await consumer.GetLagAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal((6, TimeSpan.FromSeconds(5), "a"), (lag.Events, lag.Behind, lag.Cluster.Value));
        LaneLag lane = Assert.Single(lag.Lanes);
        Assert.Equal((story.World["a"].Origin, 4L, 10L, 6L), (lane.Origin, lane.Next.Value, lane.Head.Value, lane.Events));
        await ClientStory.ReadAsync(consumer, 6);
        lag = await consumer.GetLagAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal((0, TimeSpan.Zero), (lag.Events, lag.Behind));
    }
}
