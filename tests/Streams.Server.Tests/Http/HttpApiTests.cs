using System.Net;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class HttpApiTests : IAsyncLifetime, IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly ProducerId Producer = ProducerId.ForName("car-17");
    private static readonly StreamPartition Partition = new(Fleet, new PartitionId(0));
    private readonly TemporaryDirectory _directory = new();
    private RunningHost _server = null!;

    private IEventStore Store => _server.Host.Store;

    public async Task InitializeAsync() => _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Health_says_ready()
    {
        JsonElement health = await _server.GetAsync("/health");

        Assert.Equal("""{"status":"ready"}""", health.GetRawText());
    }

    [Fact]
    public async Task Status_names_the_cluster_its_origin_and_why_the_incarnation_was_opened()
    {
        JsonElement status = await _server.GetAsync("/api/v1/status");

        Assert.Equal("sj", status.GetProperty("cluster").GetString());
        Assert.Equal(Store.Origin.ToString(), status.GetProperty("origin").GetString());
        Assert.Equal(1, status.GetProperty("starts").GetInt64());
        Assert.True(status.GetProperty("incarnation").GetProperty("opened").GetBoolean());
        Assert.Equal("newDirectory", status.GetProperty("incarnation").GetProperty("reason").GetString());
        Assert.Equal(HelpText.Version, status.GetProperty("version").GetString());
        Assert.Equal($"127.0.0.1:{_server.Host.Mqtt.Port}", status.GetProperty("endpoints").GetProperty("mqtt").GetString());
    }

    [Fact]
    public async Task Lanes_show_what_is_here()
    {
        await ProduceAsync(1, 3);

        JsonElement lanes = (await _server.GetAsync("/api/v1/lanes?stream=/fleet")).GetProperty("lanes");

        JsonElement lane = Assert.Single(lanes.EnumerateArray());
        Assert.Equal(0, lane.GetProperty("partition").GetInt32());
        Assert.Equal(Store.Origin.ToString(), lane.GetProperty("origin").GetString());
        Assert.Equal(0, lane.GetProperty("firstOffset").GetInt64());
        Assert.Equal(3, lane.GetProperty("nextOffset").GetInt64());
        Assert.True(lane.GetProperty("nextEntry").GetInt64() >= 2);
        Assert.True(lane.GetProperty("bytes").GetInt64() > 0);
        Assert.Equal("/fleet", (await _server.GetAsync("/api/v1/streams")).GetProperty("streams")[0].GetProperty("stream").GetString());
    }

    [Fact]
    public async Task Events_are_read_as_they_were_produced()
    {
        await ProduceAsync(1, 3);

        JsonElement answer = await _server.GetAsync(Lane("read") + "&from=1&max=1");

        JsonElement one = Assert.Single(answer.GetProperty("events").EnumerateArray());
        Assert.Equal(1, one.GetProperty("offset").GetInt64());
        Assert.Equal(Producer.ToString(), one.GetProperty("producer").GetString());
        Assert.Equal("0000000000000009", one.GetProperty("epoch").GetString());
        Assert.Equal(2, one.GetProperty("sequence").GetInt64());
        Assert.Equal(1002, one.GetProperty("timestamp").GetInt64());
        Assert.Equal("car-17/ä\"", one.GetProperty("topic").GetString());
        Assert.Equal("key", Encoding.UTF8.GetString(one.GetProperty("key").GetBytesFromBase64()));
        Assert.Equal("payload 2", Encoding.UTF8.GetString(one.GetProperty("payload").GetBytesFromBase64()));
        Assert.Equal("unit", one.GetProperty("headers")[0].GetProperty("name").GetString());
        Assert.Equal("km", Encoding.UTF8.GetString(one.GetProperty("headers")[0].GetProperty("value").GetBytesFromBase64()));
        Assert.Equal(2, answer.GetProperty("next").GetInt64());
    }

    [Fact]
    public async Task Reading_page_by_page_gives_every_event_once()
    {
        await ProduceAsync(1, 500);
        await Store.CommitAsync(ConsumerName.Parse("between"), Partition, Cursor.Start.With(Store.Origin, new Offset(3)), default);
        await ProduceAsync(501, 500);
        List<long> seen = [];
        long next = 0;
        while (true)
        {
            JsonElement page = await _server.GetAsync($"{Lane("read")}&from={next}&max=77");
            long[] offsets = [.. page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("offset").GetInt64())];
            if (offsets.Length == 0)
            {
                Assert.Equal(next, page.GetProperty("next").GetInt64());
                break;
            }

            seen.AddRange(offsets);
            next = page.GetProperty("next").GetInt64();
        }

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), seen);
    }

    [Fact]
    public async Task A_digest_depends_on_the_events_and_not_on_how_they_were_cut()
    {
        await ProduceAsync(1, 10);
        JsonElement whole = await _server.GetAsync(Lane("digest"));
        JsonElement part = await _server.GetAsync(Lane("digest") + "&from=0&to=9");

        using TemporaryDirectory elsewhere = new();
        await using RunningHost other = await RunningHost.StartAsync(RunningHost.OptionsIn(elsewhere));
        for (int sequence = 1; sequence <= 10; sequence++)
        {
            await ProduceAsync(other.Host.Store, sequence, 1);
        }

        JsonElement same = await other.GetAsync($"/api/v1/lanes/digest?stream=/fleet&partition=0&origin={other.Host.Store.Origin}");
        Assert.Equal(10, whole.GetProperty("count").GetInt64());
        Assert.Equal(10, whole.GetProperty("to").GetInt64());
        Assert.Equal(whole.GetProperty("sha256").GetString(), same.GetProperty("sha256").GetString());
        Assert.Equal(9, part.GetProperty("count").GetInt64());
        Assert.NotEqual(whole.GetProperty("sha256").GetString(), part.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task A_cursor_is_shown_with_its_generation_positions_and_jumps()
    {
        await ProduceAsync(1, 5);
        Origin own = Store.Origin;
        CursorJump jump = new(own, new Offset(1), new Offset(3));
        Cursor cursor = new(new Generation(2, own), Cursor.Start.With(own, new Offset(4)).Positions, [jump]);
        await Store.CommitAsync(ConsumerName.Parse("shop"), Partition, cursor, default);

        JsonElement shown = (await _server.GetAsync("/api/v1/cursors?consumer=shop&stream=/fleet")).GetProperty("cursors")[0];

        Assert.Equal(2, shown.GetProperty("generation").GetInt64());
        Assert.Equal(own.ToString(), shown.GetProperty("rewoundAt").GetString());
        Assert.Equal(4, shown.GetProperty("positions")[0].GetProperty("offset").GetInt64());
        Assert.Equal(1, shown.GetProperty("jumps")[0].GetProperty("from").GetInt64());
        Assert.Equal(3, shown.GetProperty("jumps")[0].GetProperty("to").GetInt64());
    }

    [Fact]
    public async Task Topics_and_chains_are_shown()
    {
        await ProduceAsync(1, 2);

        JsonElement topics = await _server.GetAsync("/api/v1/topics?stream=/fleet&max=10");
        JsonElement chains = await _server.GetAsync("/api/v1/chains?stream=/fleet");

        Assert.Equal(["car-17/ä\""], topics.GetProperty("topics").EnumerateArray().Select(t => t.GetString()));
        Assert.False(topics.GetProperty("more").GetBoolean());
        JsonElement lane = Assert.Single(chains.GetProperty("lanes").EnumerateArray());
        Assert.NotEmpty(lane.GetProperty("partitionlets").EnumerateArray());
    }

    [Fact]
    public async Task Links_are_shown_when_there_are_none()
    {
        JsonElement links = await _server.GetAsync("/api/v1/links");

        Assert.Empty(links.GetProperty("outgoing").EnumerateArray());
        Assert.Empty(links.GetProperty("incoming").EnumerateArray());
    }

    [Theory]
    [InlineData("/api/v1/lanes", 400, "parameter 'stream': stream path: missing")]
    [InlineData("/api/v1/lanes?stream=fleet", 400, "parameter 'stream': stream path 'fleet': must begin with '/', as in '/fleet'")]
    [InlineData("/api/v1/lanes?stream=/nowhere", 404, "stream /nowhere is not known in this cluster")]
    [InlineData("/api/v1/lanes/read?stream=/f&partition=x&origin=y", 400, "parameter 'partition': 'x' must be a number from 0 to 1023; "
        + "parameter 'origin': must be a cluster name, a dot and 16 hexadecimal digits, as in sj.0192f3ab4c5d6e7f")]
    [InlineData("/api/v1/lanes/read?stream=/f&partition=0&origin=sj.0192f3ab4c5d6e7f&max=10001", 400,
        "parameter 'max': '10001' must be a number from 1 to 10000")]
    [InlineData("/api/v1/lanes/digest?stream=/f&partition=0&origin=sj.0192f3ab4c5d6e7f", 404, "stream /f is not known in this cluster")]
    [InlineData("/api/v1/cursors?stream=/f", 400, "parameter 'consumer': consumer name: missing")]
    [InlineData("/api/v1/topics?stream=/nowhere", 404, "stream /nowhere is not known in this cluster")]
    [InlineData("/api/v1/chains?stream=/nowhere", 404, "stream /nowhere is not known in this cluster")]
    [InlineData("/api/v1/lanes/read?stream=/f&partition=0&origin=sj.0192f3ab4c5d6e7f&time=noon", 400,
        "parameter 'time': 'noon' must be a time as in 2026-01-31T08:30:00Z (a + of a zone is written %2B)")]
    [InlineData("/api/v1/lanes/read?stream=/f&partition=0&origin=sj.0192f3ab4c5d6e7f&time=2026-01-31&from=3", 400,
        "parameter 'time': cannot be given together with 'from'")]
    [InlineData("/api/v1/lanes/read?stream=/f&partition=0&origin=sj.0192f3ab4c5d6e7f&topic=a/%23", 400,
        "parameter 'topic': topic name 'a/#': '#' at 2 is a wildcard; wildcards belong in filters")]
    [InlineData("/api/v1/latest?stream=/f", 400, "parameter 'topic': topic name: missing")]
    [InlineData("/api/v1/latest?stream=/nowhere&topic=x", 404, "stream /nowhere is not known in this cluster")]
    [InlineData("/api/v2/lanes", 404, "/api/v2/lanes is no path of this API")]
    [InlineData("/", 404, "/ is no path of this API")]
    public async Task What_is_wrong_is_answered_as_a_problem(string path, int status, string detail)
    {
        JsonElement problem = await _server.GetAsync(path, (HttpStatusCode)status);

        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(detail, problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Writing_is_not_allowed()
    {
        using HttpResponseMessage answer = await _server.SendAsync("/api/v1/streams", HttpMethod.Post);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Metrics_are_text_that_names_every_family_once()
    {
        await ProduceAsync(1, 3);

        string text = await _server.TextAsync("/metrics");

        string[] types = [.. text.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2])];
        Assert.Equal(types.Distinct(), types);
        Assert.Contains("streams_lane_events{lanes=\"own\"} 3", text.Split('\n'));
        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches("^(# (HELP|TYPE) [a-zA-Z_:]\\w* ?.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\\{.*\\})? [-+0-9.eEInfNa]+)$", line));
    }

    private string Lane(string verb) => $"/api/v1/lanes/{verb}?stream=/fleet&partition=0&origin={Store.Origin}";

    private Task ProduceAsync(long firstSequence, int count) => ProduceAsync(Store, firstSequence, count);

    private static async Task ProduceAsync(IEventStore store, long firstSequence, int count)
    {
        await store.EnsureStreamAsync(Fleet, default);
        EventBatchBuilder builder = new();
        byte[] headers = EventHeader.Encode([new EventHeader("unit", "km"u8.ToArray())]);
        for (long sequence = firstSequence; sequence < firstSequence + count; sequence++)
        {
            Assert.True(builder.TryAdd("car-17/ä\""u8, "key"u8, headers, Encoding.UTF8.GetBytes($"payload {sequence}"), 1000 + sequence));
        }

        EventBatch batch = builder.Build(new EventIdentity(Producer, 9, firstSequence), default, mayHaveTwins: false);
        ProduceResult result = await store.ProduceAsync(store.BeginProducer(Producer), Partition, AfterVector.Empty, batch, default);
        Assert.Equal(ProduceRefusal.None, result.Refusal);
    }
}
