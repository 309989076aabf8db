using Streams.Core;
using Streams.Storage;

namespace Streams.Cluster;

/// <summary>What the planner looks at: the nodes and the containers of a cluster as they are known now. The order of the lists means
/// nothing.</summary>
public sealed record PlacementView
{
    /// <summary>All nodes that belong to the cluster, those that are away included. A node that is not listed counts as gone.</summary>
    public required IReadOnlyList<PlacedNode> Nodes { get; init; }

    /// <summary>All containers.</summary>
    public required IReadOnlyList<PlacedContainer> Containers { get; init; }

    /// <summary>What is wrong with the view, one fault a line; empty when nothing is. Cost: once over everything.</summary>
    public IReadOnlyList<string> FindFaults()
    {
        List<string> faults = [];
        HashSet<NodeName> nodes = [];
        foreach (PlacedNode node in Nodes)
        {
            Require(!node.Name.IsNone, $"node without a name in zone '{node.Zone}'");
            Require(nodes.Add(node.Name), $"node {node.Name}: is listed twice");
            Require(node.CapacityBytes > 0, $"node {node.Name}: capacity of {node.CapacityBytes} bytes, more than 0 is needed");
            Require(node.OtherBytes >= 0, $"node {node.Name}: {node.OtherBytes} other bytes, at least 0 are needed");
            Require(node.AwayFor is null || node.AwayFor >= TimeSpan.Zero, $"node {node.Name}: away for {node.AwayFor}");
        }

        HashSet<ContainerId> containers = [];
        foreach (PlacedContainer container in Containers)
        {
            Require(containers.Add(container.Id), $"container {container.Id}: is listed twice");
            Require(container.Bytes >= 0 && container.Load >= 0,
                $"container {container.Id}: {container.Bytes} bytes, load {container.Load}: at least 0 are needed");
            Require(container.Wanted >= 1, $"container {container.Id}: {container.Wanted} replicas wanted, at least 1 is needed");
            Require(AreDistinct(container.Replicas), $"container {container.Id}: a replica is listed twice");
            Require(AreDistinct(container.InSync), $"container {container.Id}: an in-sync replica is listed twice");
            Require(container.Replicas.Contains(container.Primary),
                $"container {container.Id}: its primary {container.Primary} is none of its replicas");
            Require(container.InSync.All(container.Replicas.Contains), $"container {container.Id}: in sync is what is no replica");
        }

        return faults;

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }

    private static bool AreDistinct(IReadOnlyList<NodeName> names)
    {
        for (int i = 1; i < names.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (names[i] == names[j])
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Refuses a view with faults.</summary>
    /// <exception cref="InvalidRequestException">All faults, one a line.</exception>
    internal void Check()
    {
        IReadOnlyList<string> faults = FindFaults();
        if (faults.Count > 0)
        {
            throw new InvalidRequestException("placement: " + string.Join("\nplacement: ", faults));
        }
    }
}

/// <summary>A node as the planner sees it.</summary>
public sealed record PlacedNode
{
    /// <summary>Its name.</summary>
    public required NodeName Name { get; init; }

    /// <summary>What fails together with it: a rack, a room, a zone of a cloud. Nodes without one share the empty zone.</summary>
    public string Zone { get; init; } = string.Empty;

    /// <summary>Size of its disk in bytes, more than 0.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>Bytes that its disk holds besides the replicas that are assigned to it: the system, and copies of which it was
    /// relieved and that are not deleted yet. The planner adds the sizes of the replicas itself, so that a copy under way counts
    /// from its beginning.
    /// </summary>
    public long OtherBytes { get; init; }

    /// <summary>For how long its lease has been gone; <see langword="null"/> when it is up.</summary>
    public TimeSpan? AwayFor { get; init; }

    /// <summary>Whether an operator asked that it be emptied.</summary>
    public bool Draining { get; init; }
}

/// <summary>A container as the planner sees it.</summary>
public sealed record PlacedContainer
{
    /// <summary>Its id.</summary>
    public required ContainerId Id { get; init; }

    /// <summary>Bytes that a replica takes, with what is reserved in it for partitionlets that are open.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes appended a second, or any other measure that adds up over containers. Who has just opened a partitionlet in it adds
    /// what that is expected to bring, or the next one comes here as well.</summary>
    public long Load { get; init; }

    /// <summary>How many replicas it is to have, at least 1.</summary>
    public required int Wanted { get; init; }

    /// <summary>The node of its primary, one of <see cref="Replicas"/>.</summary>
    public required NodeName Primary { get; init; }

    /// <summary>The nodes that replicas are assigned to, those that are still copying included.</summary>
    public required IReadOnlyList<NodeName> Replicas { get; init; }

    /// <summary>Those of <see cref="Replicas"/> that are in sync.</summary>
    public required IReadOnlyList<NodeName> InSync { get; init; }
}
