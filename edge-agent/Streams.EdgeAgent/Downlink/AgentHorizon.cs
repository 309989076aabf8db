using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>What can still come down to the agent.</summary>
/// <param name="store">The store.</param>
/// <param name="downlinks">The streams that are fetched.</param>
internal sealed class AgentHorizon(LocalStore store, IReadOnlyList<Downlink> downlinks) : ILaneHorizon
{
    /// <inheritdoc/>
    public bool Reaches(ClusterName origin) => downlinks.Count > 0 || origin == store.Origin.Cluster || store.HasLanesOf(origin);

    /// <inheritdoc/>
    public bool IsExhausted(LaneId lane)
    {
        if (lane.Origin == store.Origin)
        {
            return true;
        }

        foreach (Downlink downlink in downlinks)
        {
            if (downlink.Stream == lane.Partition.Stream)
            {
                return downlink.IsReleased(lane);
            }
        }

        return true;
    }
}
