using System.Text.Json;
using Streams.Core;

namespace FieldTrial;

/// <summary>Reads every lane of both streams from every cluster, and feeds the judge's audit.</summary>
internal sealed class LaneInspection(ClusterRing ring, Judge judge, Saboteur saboteur, DeviceNumbers devices)
{
    private StreamPath[] Streams => [judge.TelemetryStream, judge.CommandStream];

    /// <summary>Whether all clusters list the same lanes with the same ends.</summary>
    public async Task<bool> AreLevelAsync(CancellationToken cancellationToken)
    {
        foreach (StreamPath stream in Streams)
        {
            HashSet<ListedLane>? first = null;
            foreach (ClusterProcess cluster in ring.Clusters)
            {
                HashSet<ListedLane> lanes = [.. await ring.Lanes.ListAsync(cluster.Http, stream, cancellationToken)];
                first ??= lanes;
                if (!first.SetEquals(lanes))
                {
                    return false;
                }
            }
        }

        return true;
    }

    public async Task ReadAllAsync(CancellationToken cancellationToken)
    {
        List<(int Cluster, ListedLane Lane)> all = [];
        for (int cluster = 0; cluster < ring.Clusters.Count; cluster++)
        {
            foreach (StreamPath stream in Streams)
            {
                IReadOnlyList<ListedLane> lanes = await ring.Lanes.ListAsync(ring.Clusters[cluster].Http, stream, cancellationToken);
                all.AddRange(lanes.Select(lane => (cluster, lane)));
            }
        }

        saboteur.ExpectReads(all.Sum(item => item.Lane.Next - item.Lane.First));
        foreach ((int cluster, ListedLane lane) in all)
        {
            await ReadAsync(cluster, lane, cancellationToken);
        }
    }

    private async Task ReadAsync(int cluster, ListedLane listed, CancellationToken cancellationToken)
    {
        LaneAudit audit = judge.Audit;
        int lane = judge.Lanes.Number(listed.Lane.Partition.Stream, listed.Lane.Partition.Partition, listed.Lane.Origin);
        audit.List(cluster, lane, listed.First, listed.Next);
        using LaneHash hash = new();
        Task<LanePage>? coming = PageAsync(listed.First);
        while (coming is not null)
        {
            using LanePage page = await coming;
            coming = page.Count > 0 && page.Next < listed.Next ? PageAsync(page.Next) : null;      // on its way while this one is hashed
            foreach (JsonElement json in page.Events)
            {
                Take(cluster, lane, hash, json);
            }
        }

        audit.Finish(cluster, lane, hash.Finish());

        Task<LanePage> PageAsync(long from) => ring.Lanes.ReadAsync(ring.Clusters[cluster].Http, listed.Lane, from, cancellationToken);
    }

    private void Take(int cluster, int lane, LaneHash hash, JsonElement json)
    {
        long offset = json.GetProperty("offset").GetInt64();
        (byte[] payload, ulong fingerprint) = hash.Add(offset, json);
        bool known = devices.TryRead(payload, out int device, out int number);
        LaneContent truth = new(fingerprint, known ? device : -1, number);
        LaneContent shown = saboteur.Read(ring.Clusters[cluster].Name.Value, new Place(lane, offset), truth);
        judge.Audit.Read(cluster, lane, offset, shown);
    }
}
