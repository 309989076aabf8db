using Streams.Storage;

namespace Streams.Cluster;

/// <summary>What is to be done now.</summary>
/// <param name="Steps">At most one step for each container, so that each is one compare-and-swap of one container's record. Any of
/// them may fail or be left out, and they may be done in any order; then one plans again.</param>
/// <param name="Troubles">What should be done and cannot be, for want of nodes: for people.</param>
/// <param name="Drained">Nodes that were to be emptied and hold nothing any more.</param>
public sealed record PlacementPlan(IReadOnlyList<PlacementStep> Steps, IReadOnlyList<PlacementTrouble> Troubles,
    IReadOnlyList<NodeName> Drained);

/// <summary>What is done to a container's record.</summary>
public enum PlacementAction
{
    /// <summary>The node gets a replica: it copies, and joins when it is in sync.</summary>
    AddReplica,

    /// <summary>The node's replica is given up. It is never the primary.</summary>
    RemoveReplica,

    /// <summary>The node, which is up and in sync, becomes the primary.</summary>
    MovePrimary,
}

/// <summary>Why a step is made, the more urgent ones first.</summary>
public enum PlacementReason
{
    /// <summary>The primary's node is gone.</summary>
    PrimaryGone,

    /// <summary>There are more replicas than wanted: one of them may go.</summary>
    Surplus,

    /// <summary>There are fewer replicas than wanted on nodes that are there.</summary>
    TooFew,

    /// <summary>A node is emptied.</summary>
    Drain,

    /// <summary>A node is above its limit.</summary>
    Relief,

    /// <summary>Two replicas are in one zone.</summary>
    Zones,

    /// <summary>A node is much fuller than another.</summary>
    Bytes,

    /// <summary>A node has many more primaries than another.</summary>
    Primaries,
}

/// <summary>One step.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Container">To which container.</param>
/// <param name="Node">The node that gets a replica, loses it or becomes the primary.</param>
/// <param name="Reason">Why.</param>
public readonly record struct PlacementStep(PlacementAction Action, ContainerId Container, NodeName Node, PlacementReason Reason)
{
    /// <summary>For people, as in <c>AddReplica c7 n3 (Drain)</c>.</summary>
    public override string ToString() => $"{Action} {Container} {Node} ({Reason})";
}

/// <summary>What stands in the way.</summary>
public enum PlacementTroubleKind
{
    /// <summary>No replica in sync is on a node that is up: nothing can be copied until one comes back.</summary>
    NoCopyUp,

    /// <summary>A replica is missing, and no node that has none yet has room for it.</summary>
    NoRoomForReplica,

    /// <summary>The node is to be emptied, or is above its limit, and no other node can take its replica.</summary>
    CannotLeave,
}

/// <summary>Something that cannot be done.</summary>
/// <param name="Kind">What.</param>
/// <param name="Container">Of which container.</param>
/// <param name="Node">The node that the replica cannot leave; else no node.</param>
public readonly record struct PlacementTrouble(PlacementTroubleKind Kind, ContainerId Container, NodeName Node);

/// <summary>Where the next partitionlet of a lane goes: into a container that is there, or into a new one.</summary>
/// <param name="Container">The container; <see langword="null"/> when a new one is to be made.</param>
/// <param name="Nodes">The nodes of a new container, its primary first: as many as were asked for or, where there are not so many
/// that are up and have room, fewer. Empty when a container was named, and when no node at all has room.</param>
public sealed record NextPartitionlet(ContainerId? Container, IReadOnlyList<NodeName> Nodes)
{
    /// <summary>Whether there is no room anywhere.</summary>
    public bool IsNowhere => Container is null && Nodes.Count == 0;
}
