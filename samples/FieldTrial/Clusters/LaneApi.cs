using System.Net;
using System.Text.Json;
using Streams.Core;

namespace FieldTrial;

/// <summary>A lane as a cluster lists it.</summary>
internal readonly record struct ListedLane(LaneId Lane, long First, long Next);

/// <summary>Reads lanes from a cluster over its HTTP API.</summary>
internal sealed class LaneApi(HttpClient http)
{
    /// <summary>Events of one answer: about four megabytes of text.</summary>
    private const int PageEvents = 8_000;

    /// <summary>The lanes that hold events; none when the cluster does not know the stream.</summary>
    public async Task<IReadOnlyList<ListedLane>> ListAsync(Uri cluster, StreamPath stream, CancellationToken cancellationToken)
    {
        Uri uri = new(cluster, $"api/v1/lanes?stream={Uri.EscapeDataString(stream.Value)}");
        using HttpResponseMessage answer = await http.GetAsync(uri, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return [];
        }

        answer.EnsureSuccessStatusCode();
        using JsonDocument document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        return [.. document.RootElement.GetProperty("lanes").EnumerateArray()
            .Select(lane => new ListedLane(
                new LaneId(new StreamPartition(stream, new PartitionId(lane.GetProperty("partition").GetInt32())),
                    Origin.Parse(lane.GetProperty("origin").GetString())),
                lane.GetProperty("firstOffset").GetInt64(),
                lane.GetProperty("nextOffset").GetInt64()))
            .Where(lane => lane.Next > 0)];
    }

    /// <summary>The events of a lane from <paramref name="from"/> on, a page at a time; nothing at its end. The elements live until the
    /// page is disposed.</summary>
    public async Task<LanePage> ReadAsync(Uri cluster, LaneId lane, long from, CancellationToken cancellationToken)
    {
        string stream = Uri.EscapeDataString(lane.Partition.Stream.Value);
        Uri uri = new(cluster, $"api/v1/lanes/read?stream={stream}&partition={lane.Partition.Partition}&origin={lane.Origin}"
            + $"&from={from}&max={PageEvents}");
        return new LanePage(JsonDocument.Parse(await http.GetByteArrayAsync(uri, cancellationToken)));
    }
}

/// <summary>Some events of a lane, as JSON.</summary>
internal sealed class LanePage(JsonDocument document) : IDisposable
{
    public long Next => document.RootElement.GetProperty("next").GetInt64();

    public int Count => document.RootElement.GetProperty("events").GetArrayLength();

    public JsonElement.ArrayEnumerator Events => document.RootElement.GetProperty("events").EnumerateArray();

    public void Dispose() => document.Dispose();
}
