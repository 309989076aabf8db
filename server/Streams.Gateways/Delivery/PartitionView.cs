using Streams.Core;

namespace Streams.Gateways;

/// <summary>The answers of the store and the horizon to a reader of one partition.</summary>
internal sealed class PartitionView(IEventStore store, ILaneHorizon horizon, StreamPartition partition) : IPartitionView
{
    /// <summary>The partition.</summary>
    public StreamPartition Partition { get; } = partition;

    /// <summary>The lanes as they were when this was last asked for; what a reader is told before it reads.</summary>
    public IReadOnlyList<LaneStatus> Seen { get; private set; } = [];

    /// <summary>Looks at the lanes again.</summary>
    public IReadOnlyList<LaneStatus> Look() => Seen = store.Lanes(Partition);

    /// <inheritdoc/>
    public IReadOnlyList<HeldRun> Copies(SequenceRun run) => store.Copies(Partition, run, default);

    /// <inheritdoc/>
    public bool Reaches(ClusterName origin) => origin == store.Origin.Cluster || horizon.Reaches(origin);

    /// <inheritdoc/>
    public bool IsExhausted(Origin origin) => horizon.IsExhausted(new LaneId(Partition, origin));

    /// <inheritdoc/>
    public Offset NextOffset(Origin origin)
    {
        foreach (LaneStatus status in store.Lanes(Partition))
        {
            if (status.Lane.Origin == origin)
            {
                return status.NextOffset;
            }
        }

        return default;
    }

    /// <summary>Where a reader begins that wants only what comes from now on.</summary>
    public Cursor Heads(Cursor cursor)
    {
        foreach (LaneStatus status in Look())
        {
            if (status.NextOffset > cursor[status.Lane.Origin])
            {
                cursor = cursor.With(status.Lane.Origin, status.NextOffset);
            }
        }

        return cursor;
    }
}
