using Streams.Core;

namespace Streams.Geo;

/// <summary>What a cluster holds, as far as it is known without reading from disk. Only flushed entries count (rule R1). The decisions of
/// links ask nothing else of the store.</summary>
public interface ILaneHeads
{
    /// <summary>This cluster and the incarnation it writes under.</summary>
    Origin Origin { get; }

    /// <summary>All lanes, own and foreign.</summary>
    IReadOnlyList<LaneStatus> Lanes();

    /// <summary>One lane, or <see langword="null"/>.</summary>
    LaneStatus? Lane(LaneId lane);

    /// <summary>Entries that lanes have here and that cannot be read, or were lost before they came: a neighbour may have them.</summary>
    IReadOnlyList<DamagedRange> Damaged();

    /// <summary>The latest incarnation known of a cluster, or <see langword="null"/> (rule R15).</summary>
    Incarnation? LatestIncarnation(ClusterName cluster);
}
