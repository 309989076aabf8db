using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>The container as links see it.</summary>
internal sealed class SimLaneStore(ClusterLife life) : ILaneHeads
{
    public Origin Origin => life.Container.Origin;

    public IReadOnlyList<LaneStatus> Lanes() => life.Container.Lanes();

    public LaneStatus? Lane(LaneId lane) => life.Container.Lane(lane);

    public IReadOnlyList<DamagedRange> Damaged() => life.Container.Damaged();

    public Incarnation? LatestIncarnation(ClusterName cluster) => life.Container.LatestIncarnation(cluster);
}
