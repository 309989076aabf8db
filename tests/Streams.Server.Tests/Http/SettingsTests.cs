using System.Net;
using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>The settings of a stream are read and written over HTTP; what is wrong is said all at once, and changes nothing.</summary>
public sealed class SettingsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private RunningHost _server = null!;

    public async Task InitializeAsync() => _server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("/api/v1/streams/plant/line-3/settings", "/plant/line-3")]
    [InlineData("/api/v1/streams/plant%2Fline-3/settings", "/plant/line-3")]
    public async Task They_are_made_read_and_changed_one_by_one(string path, string stream)
    {
        await _server.GetAsync(path, HttpStatusCode.NotFound);
        JsonElement made = await PutAsync(path, """{"partitions":8,"retentionAge":"P7D"}""");
        Assert.Equal((stream, 8, "P7D", "forever", "flushed"), Of(made));
        JsonElement changed = await PutAsync(path, """{"retentionAge":"forever","retentionBytes":1000000,"durability":"written"}""");
        Assert.Equal((stream, 8, "forever", "1000000", "written"), Of(changed));
        Assert.Equal(Of(changed), Of(await _server.GetAsync(path)));
        Assert.Equal(Of(changed), Of(await PutAsync(path, changed.GetRawText())));
        StreamSettings kept = _server.Host.Store.Settings(StreamPath.Parse(stream))!;
        Assert.Equal(new StreamSettings(8) { RetentionBytes = 1_000_000, Durability = Durability.Written }, kept);
    }

    [Theory]
    [InlineData("""{"partitions":3}""", "the stream has 8; they can be raised, never lowered")]
    [InlineData("""{"partitions":2000}""", "1 to 1024")]
    [InlineData("""{"retentionAge":"P1M"}""", "ISO 8601 duration of days")]
    [InlineData("""{"retentionAge":"PT0.5S"}""", "whole seconds")]
    [InlineData("""{"retentionBytes":0}""", "at least 1")]
    [InlineData("""{"durability":"maybe","colour":"red"}""", "\"flushed\" or \"written\"; 'colour' is no setting")]
    [InlineData("""[1]""", "JSON object")]
    [InlineData("""{"partitions":""", "no JSON")]
    public async Task What_is_wrong_is_said_and_changes_nothing(string body, string says)
    {
        const string Path = "/api/v1/streams/fleet/settings";
        JsonElement before = await PutAsync(Path, """{"partitions":8}""");
        JsonElement problem = await PutAsync(Path, body, HttpStatusCode.BadRequest);
        Assert.Contains(says, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(Of(before), Of(await _server.GetAsync(Path)));
    }

    [Fact]
    public async Task Other_paths_below_streams_are_none()
    {
        await _server.GetAsync("/api/v1/streams/fleet", HttpStatusCode.NotFound);
        await _server.GetAsync("/api/v1/streams/settings", HttpStatusCode.NotFound);
        await PutAsync("/api/v1/streams/a%23b/settings", "{}", HttpStatusCode.BadRequest);
    }

    private static (string? Stream, int Partitions, string? Age, string Bytes, string? Durability) Of(JsonElement settings) => (
        settings.GetProperty("stream").GetString(), settings.GetProperty("partitions").GetInt32(),
        settings.GetProperty("retentionAge").GetString(), settings.GetProperty("retentionBytes").ToString(),
        settings.GetProperty("durability").GetString());

    private async Task<JsonElement> PutAsync(string path, string body, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await _server.SendAsync(path, HttpMethod.Put, new StringContent(body));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode} {text}");
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
