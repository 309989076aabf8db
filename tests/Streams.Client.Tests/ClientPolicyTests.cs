using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>The rules of the outbox as an application sees them, from the publish to the consumer.</summary>
public class ClientPolicyTests
{
    private static readonly OutboxRule[] Rules =
    [
        new("log", OutboxPolicy.DropOldest),
        new("door", OutboxPolicy.KeepLatestPerKey),
        new("trace", OutboxPolicy.Reject),
        new("short", OutboxPolicy.Block) { TimeToLive = TimeSpan.FromMilliseconds(20) },
    ];

    [Fact]
    public async Task A_device_long_offline_loses_only_what_its_rules_let_go_and_the_consumer_is_told_of_it()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        using Dropped dropped = new();
        await story.OpenAsync(Options(story));
        StreamsConsumer consumer = await story.ConsumeAsync();
        List<PublishReceipt> alarms = [];
        List<PublishReceipt> logs = [];
        for (int i = 0; i < 40; i++)
        {
            alarms.AddRange(await story.PublishAsync(1, "alarm", bytes: 1000));
            logs.AddRange(await story.PublishAsync(25, "log", bytes: 2000));
        }

        PublishReceipt brief = await PublishAsync(story, "short");
        await Eventually.TrueAsync(() => brief.Outcome == PublishOutcome.Expired, "it expires");
        for (int i = 0; i < 3; i++)
        {
            await PublishAsync(story, "door");
        }

        story.World["a"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Dictionary<string, List<(string? Text, EventGap? Gap)>> read = await ReadAsync(consumer, story.World["a"].Events);
        Assert.Equal(alarms.Count, read["alarm"].Count);
        EventGap gap = read["log"].Single(static r => r.Gap is not null).Gap!;
        Assert.Equal(GapReason.Full, gap.Reason);
        Assert.Equal(logs.Count(static r => r.Outcome == PublishOutcome.Dropped), gap.Events);
        Assert.Equal(logs.Count - gap.Events, read["log"].Count - 1);
        Assert.True(gap.First <= gap.Last && gap.Events > 100, gap.ToString());
        (string? text, EventGap? expired) = read["short"].Single();
        Assert.Equal((null, GapReason.Expired, 1L), (text, expired?.Reason, expired?.Events));
        Assert.Equal([(GapReason.Superseded, 2L)], read["door"].Where(static r => r.Gap is not null)
            .Select(static r => (r.Gap!.Reason, r.Gap.Events)));
        await Task.WhenAll(alarms.Select(static r => r.Stored)).WaitAsync(Eventually.DefaultLimit);
        Assert.All(alarms, static r => Assert.Equal(PublishOutcome.Stored, r.Outcome));
        Assert.Equal((gap.Events, 1L, 2L), (dropped["full"], dropped["expired"], dropped["superseded"]));
        Assert.Contains("unsent events were dropped", story.Logs.Text, StringComparison.Ordinal);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task A_publish_that_is_rejected_returns_at_once_and_tells()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        using Dropped dropped = new();
        await story.OpenAsync(Options(story));
        List<PublishReceipt> receipts = await story.PublishAsync(1000, "trace", bytes: 2000);
        int rejected = receipts.Count(static r => r.Outcome == PublishOutcome.Rejected);
        Assert.InRange(rejected, 300, 900);
        Assert.Equal(rejected, dropped["rejected"]);
        story.World["a"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(1000 - rejected, story.World["a"].Events);
        Assert.All(receipts, static r => Assert.True(r.Stored.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task While_a_cluster_takes_them_events_that_may_be_dropped_are_not()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(Options(story));
        StreamsConsumer consumer = await story.ConsumeAsync();
        for (int i = 0; i < 30; i++)
        {
            await story.PublishAsync(40, "log", bytes: 2000);
            await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        }

        Assert.Equal(ClientStory.Numbers(1, 1200), await ClientStory.ReadAsync(consumer, 1200));
    }

    [Fact]
    public async Task What_a_lost_cluster_may_have_taken_is_sent_again_elsewhere_and_the_gap_comes_behind_it_once()
    {
        await using ClientStory story = new("a", "b");
        await story.OpenAsync(Options(story));
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(20, "log", bytes: 2000);
        Assert.Equal(ClientStory.Numbers(1, 20), await ClientStory.ReadAsync(consumer, 20));

        // a takes them and does not answer: twins, of events that were droppable until they were sent (R2, R18).
        story.World.Link("a", "b");
        story.World["a"].LosesAnswer = static () => true;
        await story.PublishAsync(20, "log", bytes: 2000);
        await Eventually.EqualAsync(40, () => story.World["a"].Events, "a has taken them");
        story.World["b"].IsUp = false;
        story.World["a"].GoDown();
        await Eventually.TrueAsync(() => story.Client.ConnectedTo is null && !story.Client.IsSending, "the device is alone");
        List<PublishReceipt> receipts = await story.PublishAsync(1000, "log", bytes: 2000);
        int lost = receipts.Count(static r => r.Outcome == PublishOutcome.Dropped);
        Assert.InRange(lost, 300, 950);

        story.World["b"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        List<EventGap?> gaps = [];
        List<string> read = await ClientStory.ReadAsync(consumer, 20 + 1 + (1000 - lost), each: e => gaps.Add(e.Gap));
        Assert.Equal(ClientStory.Numbers(21, 40), read.Take(20));
        Assert.Equal(lost, gaps[20]?.Events);
        Assert.Equal(ClientStory.Numbers(41 + lost, 1040), read.Skip(21));
        Assert.Equal(1, gaps.Count(static g => g is not null));

        // The lane of a arrives at last: all of it was given.
        story.World.Link("a", "b");
        await story.PublishAsync(3, "log");
        Assert.Equal(ClientStory.Numbers(1041, 1043), await ClientStory.ReadAsync(consumer, 3));
    }

    [Fact]
    public async Task Headers_kept_for_gaps_and_lives_that_are_none_are_refused()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(Options(story));
        InvalidRequestException kept = await Assert.ThrowsAsync<InvalidRequestException>(() => story.Client.PublishAsync(ClientStory.Fleet,
            TopicName.Parse("t"), default, headers: [new EventHeader("streams-gap", default)]).AsTask());
        Assert.Contains("header 'streams-gap'", kept.Message, StringComparison.Ordinal);
        InvalidRequestException none = await Assert.ThrowsAsync<InvalidRequestException>(() => story.Client.PublishAsync(ClientStory.Fleet,
            TopicName.Parse("t"), default, timeToLive: TimeSpan.Zero).AsTask());
        Assert.Contains("1 ms to 10 years", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_of_a_gap_are_read_as_they_were_written_and_others_are_no_gap()
    {
        foreach (GapReason reason in Enum.GetValues<GapReason>())
        {
            byte[] bytes = GapHeaders.Encode(reason, long.MaxValue, -1, 1_800_000_000_123_456);
            Assert.InRange(bytes.Length, 1, GapHeaders.MaxBytes);
            Assert.True(EventHeader.TryDecode(bytes, out IReadOnlyList<EventHeader> headers));
            EventGap expected = new(reason, long.MaxValue, DateTimeOffset.UnixEpoch.AddMicroseconds(-1),
                DateTimeOffset.UnixEpoch.AddMicroseconds(1_800_000_000_123_456));
            Assert.Equal(expected, GapHeaders.Read(headers));
            for (int i = 0; i < headers.Count; i++)
            {
                Assert.Null(GapHeaders.Read([.. headers.Take(i)]));
                Assert.Null(GapHeaders.Read([.. headers.Select((h, n) => n == i ? h with { Value = "?"u8.ToArray() } : h)]));
            }
        }

        IReadOnlyList<EventHeader> farthest = Decoded(GapHeaders.Encode(GapReason.Full, 1, 0, long.MaxValue));
        Assert.Equal(DateTimeOffset.MaxValue.Year, GapHeaders.Read(farthest)!.Last.Year);
    }

    private static IReadOnlyList<EventHeader> Decoded(byte[] bytes)
    {
        Assert.True(EventHeader.TryDecode(bytes, out IReadOnlyList<EventHeader> headers));
        return headers;
    }

    private static StreamsClientOptions Options(ClientStory story) => story.Options with { OutboxBytes = 1 << 20, OutboxRules = Rules };

    private static ValueTask<PublishReceipt> PublishAsync(ClientStory story, string topic) =>
        story.Client.PublishAsync(ClientStory.Fleet, TopicName.Parse(topic), Encoding.UTF8.GetBytes(topic));

    private static async Task<Dictionary<string, List<(string? Text, EventGap? Gap)>>> ReadAsync(StreamsConsumer consumer, int count)
    {
        Dictionary<string, List<(string?, EventGap?)>> read = [];
        await ClientStory.ReadAsync(consumer, count, each: e =>
        {
            read.TryAdd(e.Topic.Value, []);
            read[e.Topic.Value].Add((e.Gap is null ? Encoding.UTF8.GetString(e.Payload.Span) : null, e.Gap));
        });
        return read;
    }

    /// <summary>What the client counts as dropped, by reason.</summary>
    private sealed class Dropped : IDisposable
    {
        private readonly ConcurrentDictionary<string, long> _counts = [];
        private readonly MeterListener _listener = new();

        public Dropped()
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "streams.client.dropped")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
                _counts.AddOrUpdate((string)tags[0].Value!, value, (_, before) => before + value));
            _listener.Start();
        }

        public long this[string reason] => _counts.GetValueOrDefault(reason);

        public void Dispose() => _listener.Dispose();
    }
}
