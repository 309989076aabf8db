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
}
