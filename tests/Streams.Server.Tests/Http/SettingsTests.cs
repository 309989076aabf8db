using System.Net;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class SettingsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private RunningHost _server = null!;

    private IEventStore Store => _server.Host.Store;

    public async Task InitializeAsync() => _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_stream_that_nobody_configured_keeps_all_and_flushes()
    {
        await Store.EnsureStreamAsync(StreamPath.Parse("/fleet"), default);

        Assert.Equal("""{"stream":"/fleet","partitions":4,"retentionAge":"forever","retentionBytes":"forever","durability":"flushed"}""",
            (await _server.GetAsync("/api/v1/streams/fleet/settings")).GetRawText());
    }

    [Fact]
    public async Task Settings_are_written_and_read_and_what_is_not_named_stays()
    {
        const string Url = "/api/v1/streams/fleet/settings";
        Assert.Equal("""{"stream":"/fleet","partitions":8,"retentionAge":"P7D","retentionBytes":"forever","durability":"flushed"}""",
            await PutAsync(Url, """{"partitions":8,"retentionAge":"P7D"}"""));
        Assert.Equal("""{"stream":"/fleet","partitions":8,"retentionAge":"P7D","retentionBytes":1000000,"durability":"written"}""",
            await PutAsync(Url, """{"retentionBytes":1000000,"durability":"written"}"""));
        StreamSettings settings = Store.Settings(StreamPath.Parse("/fleet"))!;
        Assert.Equal((8, TimeSpan.FromDays(7), 1_000_000, Durability.Written),
            (settings.Partitions, settings.RetentionAge!.Value, settings.RetentionBytes!.Value, settings.Durability));

        string again = await PutAsync(Url, """{"retentionAge":"forever"}""");
        Assert.Equal("forever", Json(again).GetProperty("retentionAge").GetString());
        Assert.Equal(again, await PutAsync(Url, again));
        Assert.Equal(again, (await _server.GetAsync(Url)).GetRawText());
    }

    [Theory]
    [InlineData("3600", "PT1H")]
    [InlineData("\"90\"", "PT1M30S")]
    [InlineData("\"P1DT12H\"", "P1DT12H")]
    public async Task An_age_is_a_number_of_seconds_or_a_duration(string given, string shown) =>
        Assert.Equal(shown, Json(await PutAsync("/api/v1/streams/f/settings", $$"""{"retentionAge":{{given}}}"""))
            .GetProperty("retentionAge").GetString());

    [Theory]
    [InlineData("/api/v1/streams/a/b/settings")]
    [InlineData("/api/v1/streams/a%2Fb/settings")]
    [InlineData("/api/v1/streams/%2Fa%2Fb/settings")]
    public async Task A_stream_may_lie_deeper_and_its_slashes_may_be_escaped(string url)
    {
        Assert.Equal("/a/b", Json(await PutAsync(url, """{"partitions":2}""")).GetProperty("stream").GetString());
        Assert.Equal(2, Store.Settings(StreamPath.Parse("/a/b"))!.Partitions);
    }

    [Theory]
    [InlineData("{\"partitions\":2}", "partitions: 2, the stream has 4; they can be raised, never lowered")]
    [InlineData("{\"partitions\":2000}", "partitions: 2000, 1 to 1024 are allowed")]
    [InlineData("{\"partitions\":\"x\"}", "partitions: \"x\" must be a number from 1 to 1024")]
    [InlineData("{\"retentionAge\":\"P1M\"}", "retentionAge: \"P1M\" must be a number of seconds or an ISO 8601 duration of days, hours, "
        + "minutes and seconds, as in P7D or PT12H, or \"forever\"")]
    [InlineData("{\"retentionAge\":\"PT0.5S\"}", "retention age: 00:00:00.5000000, whole seconds from 1 to 4294967295 are allowed")]
    [InlineData("{\"retentionBytes\":0}", "retention bytes: 0, at least 1")]
    [InlineData("{\"retentionBytes\":\"1G\"}", "retentionBytes: \"1G\" must be a number of bytes, or \"forever\"")]
    [InlineData("{\"durability\":\"maybe\"}", "durability: \"maybe\" must be \"flushed\" or \"written\"")]
    [InlineData("{\"retentoin\":1}", "'retentoin' is no setting; there are partitions, retentionAge, retentionBytes, durability")]
    [InlineData("[]", "the body must be a JSON object with any of partitions, retentionAge, retentionBytes, durability")]
    public async Task What_is_wrong_is_said_and_nothing_is_changed(string body, string detail)
    {
        StreamPath fleet = StreamPath.Parse("/fleet");
        StreamSettings before = await Store.EnsureStreamAsync(fleet, default);

        string answer = await PutAsync("/api/v1/streams/fleet/settings", body, HttpStatusCode.BadRequest);

        Assert.Equal(detail, Json(answer).GetProperty("detail").GetString());
        Assert.Equal(before, Store.Settings(fleet));
    }

    [Fact]
    public async Task A_body_that_is_no_json_or_too_long_is_refused()
    {
        string answer = await PutAsync("/api/v1/streams/fleet/settings", "partitions=3", HttpStatusCode.BadRequest);
        Assert.StartsWith("the body is no JSON: ", Json(answer).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await PutAsync("/api/v1/streams/fleet/settings", new string(' ', 20_000), HttpStatusCode.RequestEntityTooLarge);
        Assert.Null(Store.Settings(StreamPath.Parse("/fleet")));
    }

    [Theory]
    [InlineData("/api/v1/streams/nowhere/settings", 404, "stream /nowhere is not known in this cluster")]
    [InlineData("/api/v1/streams/fleet", 404, "/api/v1/streams/fleet is no path of this API")]
    [InlineData("/api/v1/streams/settings", 404, "/api/v1/streams/settings is no path of this API")]
    public async Task What_is_not_there_is_answered_as_a_problem(string path, int status, string detail) =>
        Assert.Equal(detail, (await _server.GetAsync(path, (HttpStatusCode)status)).GetProperty("detail").GetString());

    [Fact]
    public async Task Settings_survive_a_restart()
    {
        await PutAsync("/api/v1/streams/fleet/settings", """{"partitions":5,"retentionAge":60}""");
        await _server.DisposeAsync();
        _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        Assert.Equal("PT1M", (await _server.GetAsync("/api/v1/streams/fleet/settings")).GetProperty("retentionAge").GetString());
    }

    private static JsonElement Json(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private async Task<string> PutAsync(string url, string body, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _server.SendAsync(url, HttpMethod.Put, content);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(expected == answer.StatusCode, $"{url}: {answer.StatusCode} {text}");
        return text;
    }
}
