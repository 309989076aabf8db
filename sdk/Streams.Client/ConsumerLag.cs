using Streams.Core;

namespace Streams.Client;

/// <summary>How far a consumer was behind what its cluster had.</summary>
/// <param name="Cluster">The cluster that was asked.</param>
/// <param name="Events">Events that are there and not acknowledged, over all lanes; those count too that the consumer's filters leave
/// out.</param>
/// <param name="Behind">How long ago the oldest of them was appended, by the clocks of its origin and of the cluster; zero when there is
/// none.</param>
/// <param name="Lanes">Each lane by itself.</param>
public sealed record ConsumerLag(ClusterName Cluster, long Events, TimeSpan Behind, IReadOnlyList<LaneLag> Lanes);

/// <summary>How far a consumer was behind in one lane.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Origin">The lane.</param>
/// <param name="Next">The first event not acknowledged.</param>
/// <param name="Head">Behind the last event that is at the cluster.</param>
/// <param name="Behind">How long ago the event at <paramref name="Next"/> was appended; zero when there is none.</param>
public readonly record struct LaneLag(PartitionId Partition, Origin Origin, Offset Next, Offset Head, TimeSpan Behind)
{
    /// <summary>How many events.</summary>
    public long Events => Head - Next;
}
