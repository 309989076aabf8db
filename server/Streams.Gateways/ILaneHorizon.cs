using Streams.Core;

namespace Streams.Gateways;

/// <summary>What can still come over links; asked before a consumer is made to wait.</summary>
public interface ILaneHorizon
{
    /// <summary>Whether some route of links brings lanes of this cluster here. A dependency on one that no route brings is left out (rule
    /// R19a)
    /// or released at once (rule R15).</summary>
    bool Reaches(ClusterName origin);

    /// <summary>Whether nothing more of this lane can arrive (rule R15): its incarnation is closed, all incoming links are level, and
    /// none has more of it.
    /// The caller sees to it that the session has passed all of it that is here.</summary>
    bool IsExhausted(LaneId lane);
}
