using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>Reading one topic, from a time on, and the latest event of a topic, over HTTP.</summary>
public sealed class TopicReadTests : IAsyncLifetime, IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly StreamPartition Partition = new(Fleet, new PartitionId(0));
    private static readonly ProducerId Producer = ProducerId.ForName("car-17");
    private readonly TemporaryDirectory _directory = new();
    private RunningHost _server = null!;

    private IEventStore Store => _server.Host.Store;

    private string Read => $"/api/v1/lanes/read?stream=/fleet&partition=0&origin={Store.Origin}";

    public async Task InitializeAsync() => _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Only_events_of_the_topic_come_and_next_leads_over_all_of_them()
    {
        await ProduceAsync(1, 200);
        List<long> seen = [];
        long next = 3;
        for (long before = -1; next > before;)
        {
            before = next;
            JsonElement page = await _server.GetAsync($"{Read}&topic=t%204/%C3%A4&from={next}&max=7");
            Assert.Equal("t 4/ä", page.GetProperty("topic").GetString());
            JsonElement[] events = [.. page.GetProperty("events").EnumerateArray()];
            Assert.All(events, e => Assert.Equal("t 4/ä", e.GetProperty("topic").GetString()));
            seen.AddRange(events.Select(e => e.GetProperty("offset").GetInt64()));
            next = page.GetProperty("next").GetInt64();
        }

        Assert.Equal(Enumerable.Range(3, 197).Where(o => o % 10 == 4).Select(o => (long)o), seen);
        Assert.Equal(200, next);
    }

    [Fact]
    public async Task Of_a_topic_that_is_not_there_nothing_comes_and_next_is_the_end()
    {
        await ProduceAsync(1, 20);

        JsonElement page = await _server.GetAsync($"{Read}&topic=none");

        Assert.Empty(page.GetProperty("events").EnumerateArray());
        Assert.Equal(20, page.GetProperty("next").GetInt64());
    }

    [Fact]
    public async Task Reading_begins_at_a_time()
    {
        await ProduceAsync(1, 10);
        string between = await AfterNowAsync();
        await ProduceAsync(11, 10);

        Assert.Equal(10, await FirstAsync($"&time={between}"));
        Assert.Equal(14, await FirstAsync($"&time={between}&topic=t%204/%C3%A4"));
        Assert.Equal(0, await FirstAsync("&time=2001-02-03"));
        JsonElement late = await _server.GetAsync($"{Read}&time=2999-01-01T00:00:00%2B02:00");
        Assert.Empty(late.GetProperty("events").EnumerateArray());
        Assert.Equal(20, late.GetProperty("next").GetInt64());
    }

    [Fact]
    public async Task The_latest_event_of_a_topic_is_shown_whole()
    {
        await ProduceAsync(1, 30);

        JsonElement latest = await _server.GetAsync("/api/v1/latest?stream=/fleet&topic=t%204/%C3%A4");

        Assert.Equal("/fleet", latest.GetProperty("stream").GetString());
        Assert.Equal("t 4/ä", latest.GetProperty("topic").GetString());
        Assert.Equal(0, latest.GetProperty("partition").GetInt32());
        Assert.Equal(Store.Origin.ToString(), latest.GetProperty("origin").GetString());
        Assert.Equal(24, latest.GetProperty("offset").GetInt64());
        Assert.Equal(1025, latest.GetProperty("timestamp").GetInt64());
        Assert.Equal("key", Encoding.UTF8.GetString(latest.GetProperty("key").GetBytesFromBase64()));
        Assert.Equal("unit", latest.GetProperty("headers")[0].GetProperty("name").GetString());
        Assert.Equal("payload 25", Encoding.UTF8.GetString(latest.GetProperty("payload").GetBytesFromBase64()));
    }

    [Fact]
    public async Task A_topic_without_an_event_has_no_latest()
    {
        await ProduceAsync(1, 3);

        JsonElement problem = await _server.GetAsync("/api/v1/latest?stream=/fleet&topic=none", HttpStatusCode.NotFound);

        Assert.Equal("topic 'none' of stream /fleet has no event in this cluster", problem.GetProperty("detail").GetString());
    }

    private async Task<long> FirstAsync(string more) =>
        (await _server.GetAsync(Read + more)).GetProperty("events")[0].GetProperty("offset").GetInt64();

    // A moment that is behind all that was appended so far and before all that will be.
    private async Task<string> AfterNowAsync()
    {
        DateTimeOffset began = TimeProvider.System.GetUtcNow();
        await Eventually.TrueAsync(() => TimeProvider.System.GetUtcNow() > began.AddMilliseconds(3), "the clock goes on");
        string moment = began.AddMilliseconds(2).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
        return moment;
    }

    private async Task ProduceAsync(long first, int count)
    {
        await Store.EnsureStreamAsync(Fleet, default);
        EventBatchBuilder builder = new();
        byte[] headers = EventHeader.Encode([new EventHeader("unit", "km"u8.ToArray())]);
        for (long sequence = first; sequence < first + count; sequence++)
        {
            Assert.True(builder.TryAdd(Encoding.UTF8.GetBytes($"t {(sequence - 1) % 10}/ä"), "key"u8, headers,
                Encoding.UTF8.GetBytes($"payload {sequence}"), 1000 + sequence));
        }

        EventBatch batch = builder.Build(new EventIdentity(Producer, 9, first), default, mayHaveTwins: false);
        ProduceResult result = await Store.ProduceAsync(Store.BeginProducer(Producer), Partition, AfterVector.Empty, batch, default);
        Assert.Equal(ProduceRefusal.None, result.Refusal);
    }
}
