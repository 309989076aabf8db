using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Streams.EndToEnd.Tests;

/// <summary>A cluster seen through its HTTP API, as an operator's script would see it.</summary>
internal sealed class ClusterApi : IDisposable
{
    private readonly HttpClient _http;

    public ClusterApi(int port)
    {
        _http = new HttpClient
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")),
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    /// <summary>The status of <c>/health</c>, or null when nobody answers.</summary>
    public async Task<HttpStatusCode?> HealthAsync()
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri("health", UriKind.Relative));
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
        catch (TaskCanceledException)
        {
            return null;
        }
    }

    public Task<string> TextAsync(string path) => _http.GetStringAsync(new Uri(path, UriKind.Relative));

    /// <summary>The body of an answer, whatever its status.</summary>
    public async Task<string> AnswerAsync(string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative));
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>The lanes of a stream, by partition and origin; none when the stream is not known.</summary>
    public async Task<IReadOnlyList<LaneState>> LanesAsync(string stream)
    {
        using var answer = await _http.GetAsync(new Uri($"api/v1/lanes?stream={stream}", UriKind.Relative));
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return [];
        }

        answer.EnsureSuccessStatusCode();
        var list = await answer.Content.ReadFromJsonAsync<LaneList>();
        return [.. list!.Lanes.OrderBy(lane => lane.Partition).ThenBy(lane => lane.Origin, StringComparer.Ordinal)];
    }

    /// <summary>All events of a stream, lane by lane. Fails when a lane has a hole in its offsets or does not begin at 0.</summary>
    public async Task<IReadOnlyList<PlacedEvent>> EventsAsync(string stream)
    {
        List<PlacedEvent> events = [];
        foreach (var lane in await LanesAsync(stream))
        {
            await ReadLaneAsync(stream, lane, events);
        }

        return events;
    }

    /// <summary>The cursor of a consumer; null when the API does not know the stream.</summary>
    public async Task<IReadOnlyList<CursorState>?> CursorsAsync(string consumer, string stream)
    {
        var path = $"api/v1/cursors?consumer={Uri.EscapeDataString(consumer)}&stream={stream}";
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative));
        return answer.IsSuccessStatusCode ? (await answer.Content.ReadFromJsonAsync<CursorList>())!.Cursors : null;
    }

    /// <summary>Changes settings of a stream, named without its first slash.</summary>
    public async Task PutSettingsAsync(string stream, string json)
    {
        using var body = new StringContent(json);
        using var answer = await _http.PutAsync(new Uri($"api/v1/streams/{stream}/settings", UriKind.Relative), body);
        answer.EnsureSuccessStatusCode();
    }

    public void Dispose() => _http.Dispose();

    private async Task ReadLaneAsync(string stream, LaneState lane, List<PlacedEvent> events)
    {
        Assert.Equal(0, lane.FirstOffset);
        var next = 0L;
        while (next < lane.NextOffset)
        {
            var path = string.Create(
                CultureInfo.InvariantCulture,
                $"api/v1/lanes/read?stream={stream}&partition={lane.Partition}&origin={lane.Origin}&from={next}&max=10000");
            var page = await _http.GetFromJsonAsync<LanePage>(new Uri(path, UriKind.Relative));
            Assert.True(page!.Events.Count > 0, $"lane {lane} ends at {next}, before its end");
            foreach (var found in page.Events)
            {
                Assert.True(found.Offset == next, $"lane {lane}: offset {found.Offset} stands where {next} should");
                events.Add(new PlacedEvent(lane.Partition, lane.Origin, found));
                next++;
            }

            Assert.Equal(next, page.Next);
        }
    }
}
