using Streams.Core;

namespace Streams.Storage;

/// <summary>What a fact is about.</summary>
internal enum FactKind : byte
{
    Cursor,
    Register,
    Topic,
    Opened,
    Run,

    /// <summary>Where the copy of a lane begins.</summary>
    Begin,

    /// <summary>Under which origin is written.</summary>
    OwnOrigin,

    /// <summary>The retained message of a topic.</summary>
    Retained,

    /// <summary>Which entries of a lane are not there.</summary>
    Missing,
}

/// <summary>Names a fact that a record of the log tells; its value is looked up when it is written again. A run of a producer is its own
/// name.</summary>
internal readonly record struct FactKey(FactKind Kind, StreamPartition Partition, string Name, HeldRun Run, Origin Origin,
    int Bytes = 0)
{
    private const int HeadBytes = 96;

    public static FactKey Cursor(StreamPartition partition, ConsumerName consumer) =>
        new(FactKind.Cursor, partition, consumer.Value, default, default);

    public static FactKey Register(StreamPath stream, string key) =>
        new(FactKind.Register, new StreamPartition(stream, default), key, default, default);

    public static FactKey Topic(StreamPath stream, TopicName topic) =>
        new(FactKind.Topic, new StreamPartition(stream, default), topic.Value, default, default);

    public static FactKey Retained(StreamPath stream, string topic, int bytes) =>
        new(FactKind.Retained, new StreamPartition(stream, default), topic, default, default, bytes);

    public static FactKey Opened(ClusterName cluster) => new(FactKind.Opened, default, cluster.Value, default, default);

    public static FactKey Held(StreamPartition partition, HeldRun run) => new(FactKind.Run, partition, string.Empty, run, default);

    public static FactKey Begin(LaneId lane) => new(FactKind.Begin, lane.Partition, string.Empty, default, lane.Origin);

    public static FactKey Missing(LaneId lane) => new(FactKind.Missing, lane.Partition, string.Empty, default, lane.Origin);

    public static FactKey OwnOrigin() => new(FactKind.OwnOrigin, default, string.Empty, default, default);

    /// <summary>Bytes that the fact will take when it is written again, about.</summary>
    public int Cost => HeadBytes + (Name.Length * 2) + Bytes;
}
