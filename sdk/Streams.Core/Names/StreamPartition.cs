namespace Streams.Core;

/// <summary>A partition of a stream: the unit of order. All its lanes, one for each origin, live side by side.</summary>
public readonly record struct StreamPartition(StreamPath Stream, PartitionId Partition)
{
    /// <summary>Text form <c>/fleet#3</c>.</summary>
    public override string ToString() => $"{Stream}#{Partition}";
}

/// <summary>A lane: what one origin wrote to one partition. Only the origin assigns offsets in it (invariant 1).</summary>
public readonly record struct LaneId(StreamPartition Partition, Origin Origin)
{
    /// <summary>Text form <c>/fleet#3@sj.0192f3ab4c5d6e7f</c>.</summary>
    public override string ToString() => $"{Partition}@{Origin}";
}
