using System.Text.Json;
using Streams.Client;
using Streams.Testing;

namespace Streams.Cli.Tests;

public sealed class PublishAndConsumeTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly OutboxStory _story = new();
    private readonly string _stream = cluster.NewStream();

    public void Dispose()
    {
        _directory.Dispose();
        _story.Dispose();
    }

    [Fact]
    public async Task A_payload_is_published_with_key_headers_and_time_and_consumed_as_it_was()
    {
        CliRun published = await CliRun.GoodAsync("publish", _stream, "car-17/speed", "52 km/h", "--key", "car-17", "--header", "unit=km/h",
            "--header", "empty=", "--timestamp", "2026-01-31T08:30:00Z", "--receipts", "--json", "--cluster", cluster.Cluster);
        CliRun consumed = await ConsumeAsync(1);

        JsonElement receipt = published.Json[0];
        JsonElement e = Assert.Single(consumed.Json);
        Assert.Equal("52 km/h", e.GetProperty("payload").GetString());
        Assert.Equal("car-17/speed", e.GetProperty("topic").GetString());
        Assert.Equal("car-17", e.GetProperty("key").GetString());
        Assert.Equal(["unit=km/h", "empty="], e.GetProperty("headers").EnumerateArray()
            .Select(static h => $"{h.GetProperty("name").GetString()}={h.GetProperty("value").GetString()}"));
        Assert.Equal(new DateTimeOffset(2026, 1, 31, 8, 30, 0, TimeSpan.Zero), e.GetProperty("timestamp").GetDateTimeOffset());
        Assert.Equal(receipt.GetProperty("identity").GetString(), e.GetProperty("identity").GetString());
        Assert.Equal(receipt.GetProperty("origin").GetString(), e.GetProperty("origin").GetString());
        Assert.Equal(receipt.GetProperty("offset").GetInt64(), e.GetProperty("offset").GetInt64());
        Assert.Equal((1, 0), (published.Json[1].GetProperty("stored").GetInt64(), published.Json[1].GetProperty("waiting").GetInt64()));
    }

    [Fact]
    public async Task Each_line_of_the_input_is_an_event_in_order()
    {
        string lines = string.Join("\r\n", Enumerable.Range(1, 500).Select(static i => $"line {i}"));

        CliRun published = await CliRun.WithInputAsync(lines, "publish", _stream, "log", "--json", "--cluster", cluster.Cluster);
        CliRun consumed = await CliRun.GoodAsync("consume", _stream, "--count", "500", "--output", "raw", "--cluster", cluster.Cluster);

        Assert.Equal(500, published.Json.Single().GetProperty("stored").GetInt64());
        Assert.Equal(lines.Split("\r\n"), consumed.Lines);
    }

    [Fact]
    public async Task A_file_is_one_payload_of_any_bytes_and_comes_as_hex()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(static i => (byte)i)];
        File.WriteAllBytes(_directory.Combine("payload"), bytes);

        await CliRun.GoodAsync("publish", _stream, "blob", "--file", _directory.Combine("payload"), "--count", "2", "--cluster",
            cluster.Cluster);
        CliRun hex = await CliRun.GoodAsync("consume", _stream, "--count", "2", "--output", "hex", "--cluster", cluster.Cluster);
        CliRun text = await CliRun.GoodAsync("consume", _stream, "--count", "1", "--cluster", cluster.Cluster);

        Assert.Equal([Convert.ToHexStringLower(bytes), Convert.ToHexStringLower(bytes)], hex.Lines);
        Assert.EndsWith($"blob 0x{Convert.ToHexStringLower(bytes)}\n", text.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cursor_moves_only_when_acknowledged_and_filters_choose()
    {
        await CliRun.WithInputAsync("a1\na2\na3", "publish", _stream, "a", "--cluster", cluster.Cluster);
        await CliRun.WithInputAsync("b1", "publish", _stream, "b/x", "--cluster", cluster.Cluster);

        string[] peeked = (await NamedAsync("--count", "2")).Lines;
        string[] taken = (await NamedAsync("--count", "2", "--ack")).Lines;
        string[] rest = (await NamedAsync("--ack", "--idle", "3s")).Lines;
        CliRun shown = await CliRun.GoodAsync("cursor", "show", "c", _stream, "--http", cluster.Http, "--json");
        CliRun chosen = await CliRun.GoodAsync("consume", _stream, "b/+", "--idle", "3s", "--output", "raw", "--cluster", cluster.Cluster);

        Assert.Equal(["a1", "a2"], peeked);
        Assert.Equal(["a1", "a2"], taken);
        Assert.Equal(["a3"], rest);
        Assert.Equal(["b1"], chosen.Lines);
        Assert.Contains(3L, shown.Json.Single().GetProperty("cursors").EnumerateArray()
            .SelectMany(static c => c.GetProperty("positions").EnumerateArray()).Select(static p => p.GetProperty("offset").GetInt64()));

        Task<CliRun> NamedAsync(params string[] more) => CliRun.GoodAsync(
            ["consume", _stream, "a", "--consumer", "c", "--output", "raw", "--cluster", cluster.Cluster, .. more]);
    }

    [Theory]
    [InlineData("earliest", "e1 e2 e3")]
    [InlineData("latest", "")]
    [InlineData("1", "e2 e3")]
    [InlineData("2020-01-01", "e1 e2 e3")]
    [InlineData("2100-01-01T00:00:00Z", "")]
    public async Task A_cursor_is_moved_back_and_forth_R11(string to, string expected)
    {
        await CliRun.WithInputAsync("e1\ne2\ne3", "publish", _stream, "a", "--cluster", cluster.Cluster);
        await CliRun.GoodAsync("consume", _stream, "--consumer", "m", "--ack", "--count", to == "latest" ? "1" : "3", "--cluster",
            cluster.Cluster);
        JsonElement before = (await CliRun.GoodAsync("cursor", "show", "m", _stream, "--http", cluster.Http, "--json")).Json.Single();
        JsonElement at = before.GetProperty("cursors").EnumerateArray().Single(static c => c.GetProperty("positions").GetArrayLength() > 0);
        string[] where = to == "1"
            ? ["--partition", $"{at.GetProperty("partition").GetInt32()}", "--origin", at.GetProperty("positions")[0].GetProperty("origin")
                .GetString()!]
            : [];

        JsonElement moved = (await CliRun.GoodAsync(["cursor", "move", "m", _stream, "--to", to, "--http", cluster.Http, "--json",
            .. where]))
            .Json.Single();
        CliRun again = await CliRun.GoodAsync("consume", _stream, "--consumer", "m", "--idle", "3s", "--output", "raw", "--cluster",
            cluster.Cluster);

        Assert.All(moved.GetProperty("cursors").EnumerateArray().Where(c => to != "1"
            || c.GetProperty("partition").GetInt32() == at.GetProperty("partition").GetInt32()),
            static c => Assert.Equal(1, c.GetProperty("generation").GetInt64()));
        Assert.Equal(expected, string.Join(' ', again.Lines));
    }

    [Fact]
    public async Task What_the_server_refuses_is_told_with_its_words()
    {
        CliRun unknown = await CliRun.RunAsync("cursor", "show", "c", "/nowhere", "--http", cluster.Http);
        CliRun lane = await CliRun.RunAsync("cursor", "move", "c", _stream, "--to", "9", "--partition", "0", "--origin",
            "sj.0000000000000001", "--http", cluster.Http);

        Assert.Equal(ExitCode.Refused, unknown.Code);
        Assert.Contains("stream /nowhere is not known in this cluster", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, lane.Code);
    }

    [Fact]
    public async Task What_waits_in_an_outbox_is_sent_later_or_exported_and_published()
    {
        string outbox = _directory.Combine("outbox.db");
        await CliRun.WithInputAsync("w1\nw2\nw3", "publish", _stream, "a", "--key", "k", "--no-wait", "--outbox", outbox, "--cluster",
            "sj=127.0.0.1:1");
        CliRun exported = await CliRun.GoodAsync("outbox", "export", outbox);

        CliRun sent = await CliRun.GoodAsync("outbox", "send", outbox, "--json", "--cluster", cluster.Cluster);
        CliRun copied = await CliRun.WithInputAsync(exported.Out, "publish", _stream, "--from-export", "-", "--cluster", cluster.Cluster);
        CliRun consumed = await ConsumeAsync(6);

        Assert.Equal(3, sent.Json.Single().GetProperty("stored").GetInt64());
        Assert.Equal(ExitCode.Done, copied.Code);
        Assert.Equal(["w1", "w2", "w3", "w1", "w2", "w3"], consumed.Json.Select(static e => e.GetProperty("payload").GetString()));
        Assert.All(consumed.Json, static e => Assert.Equal("k", e.GetProperty("key").GetString()));
        Assert.Empty((await CliRun.GoodAsync("outbox", "export", outbox)).Lines);
        JsonElement why = (await CliRun.GoodAsync("outbox", "why", outbox, exported.Json[0].GetProperty("identity").GetString()!, "--json"))
            .Json.Single();
        Assert.Equal("confirmed", why.GetProperty("state").GetString());
    }

    [Fact]
    public async Task Events_of_an_outbox_that_was_repaired_arrive_once_and_in_order()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(20);
        _story.Sql("UPDATE partitions SET events=0, bytes=3, next=7; DELETE FROM epochs");
        await CliRun.GoodAsync("outbox", "repair", _story.File);

        await CliRun.GoodAsync("outbox", "send", _story.File, "--cluster", cluster.Cluster);
        CliRun consumed = await CliRun.GoodAsync("consume", "/fleet", "--count", "20", "--json", "--cluster", cluster.Cluster);

        Assert.Equal(receipts.Select(static r => r.Identity.ToString()), consumed.Json.Select(static e =>
            e.GetProperty("identity").GetString()));
    }

    [Fact]
    public async Task Bench_measures_what_it_published_and_consumed()
    {
        CliRun run = await CliRun.GoodAsync("bench", _stream, "--count", "400", "--rate", "2000", "--size", "64", "--consume", "--json",
            "--cluster", cluster.Cluster);

        JsonElement told = run.Json.Single();
        Assert.Equal(400, told.GetProperty("stored").GetInt64());
        Assert.Equal(400, told.GetProperty("consumed").GetInt64());
        Assert.True(told.GetProperty("seconds").GetDouble() >= 0.19, "a rate was given");
        foreach (string part in new[] { "onDevice", "inCluster", "endToEnd" })
        {
            JsonElement latency = told.GetProperty(part);
            Assert.True(latency.GetProperty("p50").GetDouble() > 0);
            Assert.True(latency.GetProperty("max").GetDouble() >= latency.GetProperty("p999").GetDouble());
            Assert.True(latency.GetProperty("p999").GetDouble() >= latency.GetProperty("p50").GetDouble());
        }
    }

    [Fact]
    public async Task Status_tells_who_answers_and_who_does_not()
    {
        CliRun run = await CliRun.RunAsync("status", "--cluster", cluster.Cluster, "--cluster", "ny=127.0.0.1:1", "--http", cluster.Http,
            "--http", "127.0.0.1:1", "--timeout", "4s", "--json");

        Assert.Equal(ExitCode.Unreachable, run.Code);
        Assert.Equal([true, false, true, false], run.Json.Select(static l => l.GetProperty("reachable").GetBoolean()));
        Assert.Equal("ready", run.Json[2].GetProperty("status").GetString());
        Assert.Equal("sj", run.Json[2].GetProperty("cluster").GetString());
        Assert.NotEmpty(run.Json[2].GetProperty("version").GetString()!);
        Assert.Contains("refused", run.Json[1].GetProperty("fault").GetString(), StringComparison.Ordinal);
        Assert.Single((await CliRun.GoodAsync("status", "--http", cluster.Http)).Lines);
    }

    private Task<CliRun> ConsumeAsync(int count) =>
        CliRun.GoodAsync("consume", _stream, "--count", $"{count}", "--json", "--cluster", cluster.Cluster);
}
