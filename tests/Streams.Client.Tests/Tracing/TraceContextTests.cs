using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class TraceContextTests
{
    private static readonly TopicName Topic = TopicName.Parse("t");

    [Fact]
    public async Task A_trace_survives_the_outbox_and_a_reopening_and_the_consumer_links_to_it()
    {
        using ActivityRecorder recorder = new();
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync();
        using Activity drive = new Activity("drive").Start();
        drive.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        drive.TraceStateString = "maker=17";
        await story.PublishAsync(1);
        drive.Stop();
        await story.Client.DisposeAsync();

        story.World["a"].IsUp = true;
        await story.OpenAsync(seed: 2);
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        List<ActivityContext> given = [];
        List<Activity?> current = [];
        await ClientStory.ReadAsync(consumer, 1, each: received =>
        {
            given.Add(received.TraceContext);
            current.Add(received.Activity);
        });

        Activity publish = Assert.Single(recorder.Of("publish"), a => a.TraceId == drive.TraceId);
        Assert.Equal(drive.SpanId, publish.ParentSpanId);
        Assert.Equal("publish /fleet", publish.DisplayName);
        Assert.Equal("/fleet", publish.GetTagItem("messaging.destination.name"));
        Activity consume = Assert.Single(recorder.Of("consume"), a => a.Links.Any(l => l.Context.TraceId == drive.TraceId));
        ActivityContext link = Assert.Single(consume.Links).Context;
        Assert.Equal(publish.SpanId, link.SpanId);
        Assert.Equal("maker=17", link.TraceState);
        Assert.Equal(ActivityTraceFlags.Recorded, link.TraceFlags);
        Assert.True(link.IsRemote);
        Assert.NotEqual(drive.TraceId, consume.TraceId);
        Assert.Equal(link, Assert.Single(given));
        Assert.Same(consume, Assert.Single(current));
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Without_a_listener_the_callers_own_activity_is_stored()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        using Activity drive = new Activity("drive").Start();
        await story.PublishAsync(1);
        drive.Stop();
        ReceivedEvent received = await ReadOneAsync(story);
        Assert.Equal(drive.TraceId, received.TraceContext.TraceId);
    }

    [Fact]
    public async Task Switched_off_or_without_an_activity_nothing_is_added()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { StoreTraceContext = false });
        using (new Activity("drive").Start())
        {
            await story.PublishAsync(1);
        }

        Assert.Empty((await ReadOneAsync(story)).Headers);
        Assert.True(TraceHeaders.Encode(null, null).IsEmpty);
    }

    [Theory]
    [InlineData("traceparent")]
    [InlineData("TraceParent")]
    [InlineData("tracestate")]
    public void What_the_caller_gives_stays_as_it_is(string name)
    {
        using Activity drive = new Activity("drive").Start();
        EventHeader[] own = [new("unit", "km"u8.ToArray()), new(name, "x"u8.ToArray())];
        Assert.Equal(EventHeader.Encode(own), TraceHeaders.Encode(own, drive).ToArray());
    }

    [Fact]
    public void Other_headers_stay_before_it_in_their_order()
    {
        using Activity drive = new Activity("drive").Start();
        drive.TraceStateString = "maker=17";
        IReadOnlyList<EventHeader> headers = Decode(TraceHeaders.Encode(
            [new("unit", "km"u8.ToArray()), new("unit", "m"u8.ToArray())], drive));
        Assert.Equal(["unit", "unit", "traceparent", "tracestate"], headers.Select(static h => h.Name));
        Assert.Equal(drive.Id, Encoding.UTF8.GetString(headers[2].Value.Span));
        Assert.Equal(drive.SpanId, TraceHeaders.Read(headers).SpanId);
    }

    [Fact]
    public void A_trace_never_makes_an_event_invalid()
    {
        using Activity drive = new Activity("drive").Start();
        EventHeader[] many = [.. Enumerable.Range(0, EventLimits.MaxHeaders).Select(static i => new EventHeader($"h{i}", default))];
        Assert.Equal(EventLimits.MaxHeaders, Decode(TraceHeaders.Encode(many, drive)).Count);
        EventHeader[] great = [new("h", new byte[EventLimits.MaxHeaderBytes - 10])];
        Assert.Single(Decode(TraceHeaders.Encode(great, drive)));

        drive.TraceStateString = new string('x', 513);
        Assert.Single(Decode(TraceHeaders.Encode(null, drive)));
        drive.TraceStateString = "maker=ü";
        Assert.Single(Decode(TraceHeaders.Encode(null, drive)));
    }

    [Fact]
    public void An_activity_without_a_W3C_id_is_left_out()
    {
        using Activity drive = new Activity("drive").SetIdFormat(ActivityIdFormat.Hierarchical).Start();
        Assert.True(TraceHeaders.Encode(null, drive).IsEmpty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00-0-0-00")]
    [InlineData("00-00000000000000000000000000000000-0000000000000000-00")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\u0001\u00ff")]
    public void A_context_that_makes_no_sense_is_none(string text) =>
        Assert.Equal(default, TraceHeaders.Read([new EventHeader("traceparent", Encoding.Latin1.GetBytes(text))]));

    [Fact]
    public async Task A_publish_that_fails_is_seen_in_its_activity()
    {
        using ActivityRecorder recorder = new();
        await using ClientStory story = new("a");
        await story.OpenAsync();
        using Activity drive = new Activity("drive").Start();
        await Assert.ThrowsAsync<InvalidRequestException>(async () =>
            await story.Client.PublishAsync(ClientStory.Fleet, Topic, default, headers: [new("", default)]));
        Activity publish = Assert.Single(recorder.Of("publish"), a => a.TraceId == drive.TraceId);
        Assert.Equal(ActivityStatusCode.Error, publish.Status);
        Assert.Equal(typeof(InvalidRequestException).FullName, publish.GetTagItem("error.type"));
    }

    private static IReadOnlyList<EventHeader> Decode(ReadOnlyMemory<byte> bytes)
    {
        Assert.True(EventHeader.TryDecode(bytes, out IReadOnlyList<EventHeader> headers));
        return headers;
    }

    private static async Task<ReceivedEvent> ReadOneAsync(ClientStory story)
    {
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        ReceivedEvent? one = null;
        await ClientStory.ReadAsync(consumer, 1, each: received => one = received);
        return one!;
    }

    /// <summary>Listens as a telemetry exporter would.</summary>
    private sealed class ActivityRecorder : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _stopped = [];
        private readonly ActivityListener _listener;

        public ActivityRecorder()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == "Streams.Client",
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _stopped.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IEnumerable<Activity> Of(string name) => _stopped.Where(a => a.OperationName == name);

        public void Dispose() => _listener.Dispose();
    }
}
