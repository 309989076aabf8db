using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>How far lanes have gone up, and where their producers' events stand.</summary>
internal sealed class UpOperation(IReadOnlyList<(LaneId Lane, long Sent)> sent,
    IReadOnlyList<long> gone,
    IReadOnlyList<(ProducerId Producer, StreamPartition Partition, IReadOnlyList<EventPlace> Places)> stands) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction)
    {
        foreach ((LaneId lane, long offset) in sent)
        {
            transaction.NoteSent(lane, offset);
        }

        foreach (long id in gone)
        {
            transaction.NoteGone(id);
        }

        foreach ((ProducerId producer, StreamPartition partition, IReadOnlyList<EventPlace> places) in stands)
        {
            transaction.NoteStand(producer, partition, places);
        }
    }
}

/// <summary>Events that a cluster refused for good.</summary>
internal sealed class ParkOperation(StreamPartition partition, ClusterName cluster, string reason, EventBatch batch)
    : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => transaction.Park(partition, cluster, reason, batch);
}
