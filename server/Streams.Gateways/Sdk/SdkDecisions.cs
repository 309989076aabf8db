using Streams.Core;

namespace Streams.Gateways;

/// <summary>What a cluster answers the SDK's questions, decided from what the store holds at that moment: no connection, no
/// waiting.</summary>
internal static class SdkDecisions
{
    /// <summary>What is held, flushed, of a producer that presents itself (rules R1, R3).</summary>
    public static HelloReply Hello(IEventStore store, HelloRequest request)
    {
        Dictionary<StreamPath, int> streams = [];
        IReadOnlyList<(StreamPartition, IReadOnlyList<HeldRun>)> held = Held(store, request.Producer, request.Waiting, streams);
        return new HelloReply(request.Correlation, store.Origin, held, [.. streams.Select(static s => (s.Key, s.Value))]);
    }

    /// <summary>The same for one of many producers; what is told of their streams is gathered in <paramref name="streams"/>.</summary>
    public static IReadOnlyList<(StreamPartition Partition, IReadOnlyList<HeldRun> Runs)> Held(IEventStore store, ProducerId producer,
        IReadOnlyList<(StreamPartition Partition, long From)> waiting, Dictionary<StreamPath, int> streams)
    {
        List<(StreamPartition, IReadOnlyList<HeldRun>)> held = new(waiting.Count);
        foreach ((StreamPartition partition, long from) in waiting)
        {
            held.Add((partition, store.Held(producer, partition, from)));
            if (!streams.ContainsKey(partition.Stream))
            {
                streams.Add(partition.Stream, Partitions(store, partition.Stream));
            }
        }

        return held;
    }

    /// <summary>How many partitions a stream has, or would have (decision 0004).</summary>
    public static int Partitions(IEventStore store, StreamPath stream) => (store.Settings(stream) ?? StreamSettings.Default).Partitions;

    /// <summary>Where a consumer begins: the join of the cluster's cursor and its own (rule R11), or the start that it asks for.</summary>
    /// <remarks>Latest counts only for a consumer without any cursor in any partition: in one that it has read from, what it has no
    /// cursor for is new to it.</remarks>
    public static (PartitionId Partition, Cursor Cursor)[] Begin(IEventStore store, ILaneHorizon horizon, OpenRequest request,
        int partitions, out bool isLatest)
    {
        Dictionary<PartitionId, Cursor> local = [];
        foreach ((PartitionId partition, Cursor cursor) in request.Local)
        {
            local[partition] = cursor;
        }

        (PartitionId Partition, Cursor Cursor)[] cursors = new (PartitionId, Cursor)[partitions];
        bool isNew = true;
        for (int i = 0; i < partitions; i++)
        {
            StreamPartition partition = new(request.Stream, new PartitionId(i));
            Cursor known = store.Cursor(request.Consumer, partition);
            Cursor joined = local.TryGetValue(partition.Partition, out Cursor? own) ? Cursor.Join(known, own) : known;
            cursors[i] = (partition.Partition, joined);
            isNew &= joined.Equals(Cursor.Start);
        }

        isLatest = isNew && request.Start == StartPosition.Latest;
        for (int i = 0; isLatest && i < partitions; i++)
        {
            PartitionView view = new(store, horizon, new StreamPartition(request.Stream, new PartitionId(i)));
            cursors[i].Cursor = view.Heads(Cursor.Start);
        }

        return cursors;
    }

    /// <summary>The partitions that a stream has got since a consumer opened it, and where the consumer begins in them: at its cursor, or
    /// at the beginning, for all that is in them came after it opened.</summary>
    public static (PartitionId Partition, Cursor Cursor)[] Grown(IEventStore store, ConsumerName consumer, StreamPath stream, int known)
    {
        int partitions = Partitions(store, stream);
        if (partitions <= known)
        {
            return [];
        }

        (PartitionId Partition, Cursor Cursor)[] grown = new (PartitionId, Cursor)[partitions - known];
        for (int i = 0; i < grown.Length; i++)
        {
            PartitionId partition = new(known + i);
            grown[i] = (partition, store.Cursor(consumer, new StreamPartition(stream, partition)));
        }

        return grown;
    }

    /// <summary>The places that a consumer asks for; <see langword="null"/> with the fault when there is no such place here.</summary>
    public static List<(PartitionId Partition, Cursor Cursor)>? Seek(IEventStore store, ConsumerName consumer, StreamPath stream,
        SeekRequest request, out string? fault)
    {
        fault = null;
        SortedDictionary<int, Cursor> found = [];
        if (request.Kind == SeekKind.Places)
        {
            foreach ((PartitionId id, EventPlace place) in request.Places)
            {
                StreamPartition partition = new(stream, id);
                if (!HasPlace(store, partition, place))
                {
                    fault = $"lane {new LaneId(partition, place.Origin)} is not known here up to offset {place.Offset}";
                    return null;
                }

                Cursor before = found.GetValueOrDefault(id.Value) ?? Unmoved(store, consumer, partition);
                found[id.Value] = before.With(place.Origin, place.Offset);
            }
        }

        for (int i = 0; request.Kind != SeekKind.Places && i < Partitions(store, stream); i++)
        {
            StreamPartition partition = new(stream, new PartitionId(i));
            Cursor cursor = Unmoved(store, consumer, partition);
            foreach (LaneStatus lane in store.Lanes(partition))
            {
                Offset at = request.Kind switch
                {
                    SeekKind.Earliest => lane.FirstOffset,
                    SeekKind.Latest => lane.NextOffset,
                    _ => store.FindTime(lane.Lane, Time(request.Time)),
                };
                cursor = cursor.With(lane.Lane.Origin, at < lane.NextOffset ? at : lane.NextOffset);
            }

            found.Add(i, cursor);
        }

        return [.. found.Select(static f => (new PartitionId(f.Key), f.Value))];
    }

    /// <summary>How far a consumer is behind what is here. Reads one entry of each lane in which it is.</summary>
    public static async ValueTask<List<LaneBehind>> LagAsync(IEventStore store, StreamPath stream, LagRequest request, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        List<LaneBehind> lanes = [];
        long at = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        foreach ((PartitionId id, Cursor cursor) in request.Cursors)
        {
            foreach (LaneStatus lane in store.Lanes(new StreamPartition(stream, id)))
            {
                Offset next = Offset.Max(cursor[lane.Lane.Origin], lane.FirstOffset);
                long behind = 0;
                if (next < lane.NextOffset)
                {
                    using LaneSlice slice = await store.ReadAsync(lane.Lane, next, 1, cancellationToken).ConfigureAwait(false);
                    behind = slice.Entries.Count > 0 ? Math.Max(0, at - slice.Entries[0].AppendedAt) : 0;
                }

                lanes.Add(new LaneBehind(id, lane.Lane.Origin, next, Offset.Max(next, lane.NextOffset), behind));
            }
        }

        return lanes;
    }

    private static Cursor Unmoved(IEventStore store, ConsumerName consumer, StreamPartition partition) =>
        new(store.Cursor(consumer, partition).Generation, Cursor.Start.Positions, []);

    private static bool HasPlace(IEventStore store, StreamPartition partition, EventPlace place)
    {
        foreach (LaneStatus lane in store.Lanes(partition))
        {
            if (lane.Lane.Origin == place.Origin)
            {
                return place.Offset <= lane.NextOffset;
            }
        }

        return false;
    }

    // What is no time of a calendar is before, or behind, everything.
    private static DateTimeOffset Time(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds,
        (DateTimeOffset.MinValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
        (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond) * TimeSpan.TicksPerMicrosecond);
}
