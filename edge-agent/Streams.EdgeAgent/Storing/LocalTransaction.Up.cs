using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What went up to a cluster, and what was refused there for good.</summary>
internal sealed partial class LocalTransaction
{
    private const int MaxRefused = 10_000;           // batches; the oldest go

    /// <summary>A cluster has all events of a lane before an offset.</summary>
    public void NoteSent(LaneId id, long offset)
    {
        if ((_lanes.GetValueOrDefault(id) ?? _book.Find(id)) is { } lane && offset > lane.Sent)
        {
            Put(lane with { Sent = offset });
        }
    }

    /// <summary>Events of a producer stand at these places.</summary>
    public void NoteStand(ProducerId producer, StreamPartition partition, IReadOnlyList<EventPlace> places) =>
        UpRows.Keep(_db, producer, partition, places, _now);

    /// <summary>Keeps events that a cluster refused for good.</summary>
    public void Park(StreamPartition partition, ClusterName cluster, string reason, EventBatch batch)
    {
        _db.Use("INSERT INTO refused(stream, partition, at, cluster, reason, batch) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
            .Bind(1, partition.Stream.Value).Bind(2, (long)partition.Partition.Value).Bind(3, _now).Bind(4, cluster.Value).Bind(5, reason)
            .Bind(6, batch.Bytes.Span).Run();
        _db.Use($"DELETE FROM refused WHERE id<=(SELECT max(id) FROM refused)-{MaxRefused}").Run();
    }
}
