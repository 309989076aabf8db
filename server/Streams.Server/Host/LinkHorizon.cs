using Streams.Core;
using Streams.Gateways;
using Streams.Geo;

namespace Streams.Server;

/// <summary>What links know of lanes to come, as gateways ask for it.</summary>
internal sealed class LinkHorizon(Horizon horizon) : ILaneHorizon
{
    public bool Reaches(ClusterName origin) => horizon.Reaches(origin);

    public bool IsExhausted(LaneId lane) => horizon.IsExhausted(lane);
}
