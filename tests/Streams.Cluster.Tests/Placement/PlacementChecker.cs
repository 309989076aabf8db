using Streams.Storage;

namespace Streams.Cluster.Tests.Placement;

/// <summary>Judges plans by what is promised, with no line in common with the planner. Slow and plain.</summary>
internal sealed class PlacementChecker(PlacementView view, PlacementLimits limits)
{
    private readonly Dictionary<NodeName, PlacedNode> _nodes = view.Nodes.ToDictionary(n => n.Name);
    private readonly Dictionary<ContainerId, PlacedContainer> _containers = view.Containers.ToDictionary(c => c.Id);

    /// <summary>The first promise that the plan breaks, or <see langword="null"/>.</summary>
    public string? FaultOf(PlacementPlan plan)
    {
        HashSet<ContainerId> touched = [];
        foreach (PlacementStep step in plan.Steps)
        {
            string? fault = !touched.Add(step.Container) ? "two steps for one container" : FaultOf(step);
            if (fault is not null)
            {
                return $"{step}: {fault}";
            }
        }

        return Overfilled(plan) ?? Unthrottled(plan)
            ?? (plan.Steps.Count(IsHandedOver) > limits.PrimaryMoves ? "too many primaries at once" : null);

        static bool IsHandedOver(PlacementStep step) => step.Action == PlacementAction.MovePrimary
            && step.Reason is PlacementReason.Drain or PlacementReason.Primaries;
    }

    /// <summary>What is wrong with the place of the next partitionlet, or <see langword="null"/>.</summary>
    public string? FaultOf(NextPartitionlet next, int replicas, long bytes)
    {
        PlacedNode[] able = [.. view.Nodes.Where(n => MayReceive(n.Name) && Used(n) + bytes <= Limit(n))];
        bool wholeExists = view.Containers.Any(c => IsWhole(c, replicas, bytes));
        if (next.Container is { } id)
        {
            PlacedContainer container = _containers[id];
            return next.Nodes.Count > 0 ? "both into a container and into a new one"
                : container.Wanted != replicas ? $"{id} has {container.Wanted} replicas"
                : !MayReceive(container.Primary) ? $"the primary of {id} cannot take it"
                : container.Replicas.Any(n => !IsGone(n) && Used(_nodes[n]) + bytes > Limit(_nodes[n])) ? $"{id} has no room"
                : !IsWhole(container, replicas, bytes) && (wholeExists || able.Length >= replicas) ? $"{id} is hurt, and others are whole"
                : null;
        }

        int zones = able.Select(n => n.Zone).Distinct().Count();
        return next.Nodes.Distinct().Count() != next.Nodes.Count ? "two replicas on one node"
            : !next.Nodes.All(n => able.Any(a => a.Name == n)) ? "a node that is away, drained or without room"
            : next.Nodes.Count != Math.Min(replicas, able.Length) ? $"{next.Nodes.Count} nodes, {able.Length} are able"
            : wholeExists && next.Nodes.Count < replicas ? "a new one with too few replicas, though there is a whole one"
            : CountZones(next.Nodes) != Math.Min(next.Nodes.Count, zones) ? "two replicas in one zone" : null;
    }

    private bool IsWhole(PlacedContainer container, int replicas, long bytes) => container.Wanted == replicas
        && container.InSync.Count(IsUp) >= replicas
        && container.Replicas.All(n => MayReceive(n) && Used(_nodes[n]) + bytes <= Limit(_nodes[n]));

    private string? FaultOf(PlacementStep step)
    {
        PlacedContainer container = _containers[step.Container];
        int live = container.InSync.Count(IsUp);
        if (!IsUp(container.Primary) && !IsGone(container.Primary))
        {
            return "a step while a primary is away for a short while";
        }

        switch (step.Action)
        {
            case PlacementAction.AddReplica:
                return container.Replicas.Contains(step.Node) ? "two replicas on one node"
                    : !MayReceive(step.Node) ? "a node that is away, unknown or drained is given a replica"
                    : !IsUp(container.Primary) ? "a copy from a primary that is away" : null;
            case PlacementAction.RemoveReplica:
                int after = container.InSync.Count(n => n != step.Node && IsUp(n));
                return !container.Replicas.Contains(step.Node) ? "removes what is not there"
                    : step.Node == container.Primary ? "removes the primary"
                    : after < Math.Min(container.Wanted, live) ? $"leaves {after} of {live} in sync, {container.Wanted} are wanted"
                    : container.Replicas.Count - 1 < container.Wanted ? "removes before another was added"
                    : live < container.Wanted ? "removes while too few are in sync" : null;
            default:
                return !container.InSync.Contains(step.Node) ? "a primary that is not in sync"
                    : !IsUp(step.Node) ? "a primary on a node that is away"
                    : step.Node == container.Primary ? "moves the primary to itself" : null;
        }
    }

    private string? Overfilled(PlacementPlan plan)
    {
        Dictionary<NodeName, long> used = _nodes.Values.ToDictionary(n => n.Name, Used);
        foreach (PlacementStep step in plan.Steps.Where(s => s.Action == PlacementAction.AddReplica))
        {
            used[step.Node] += _containers[step.Container].Bytes;
            if (used[step.Node] > _nodes[step.Node].CapacityBytes * limits.FillLimit)
            {
                return $"{step}: beyond the limit";
            }
        }

        return null;
    }

    // Of the copies under way to a node as many count as it may have, those of the lowest ids.
    private string? Unthrottled(PlacementPlan plan)
    {
        List<(NodeName From, NodeName To)> copies = [];
        foreach (PlacedContainer container in view.Containers.OrderBy(c => c.Id.Value))
        {
            copies.AddRange(container.Replicas.Where(n => IsUp(n) && IsUp(container.Primary) && !container.InSync.Contains(n)
                && copies.Count(c => c.To == n) < limits.CopiesPerNode).ToArray().Select(n => (container.Primary, n)));
        }

        foreach (PlacementStep step in plan.Steps.Where(s => s.Action == PlacementAction.AddReplica))
        {
            (NodeName from, NodeName to) = (_containers[step.Container].Primary, step.Node);
            copies.Add((from, to));
            if (copies.Count(c => c.To == to) > limits.CopiesPerNode || copies.Count(c => c.From == from) > limits.CopiesPerNode
                || copies.Count > limits.Copies)
            {
                return $"{step}: too many copies at once";
            }
        }

        return null;
    }

    /// <summary>What is still wrong though nothing more is planned and nothing is under way, or <see langword="null"/>.</summary>
    public string? FaultAtRest(PlacementPlan plan)
    {
        foreach (PlacedContainer container in view.Containers)
        {
            if ((Replication(container, plan) ?? Zones(container) ?? Bytes(container) ?? PrimaryOf(container)) is { } fault)
            {
                return $"{container.Id}: {fault}";
            }
        }

        foreach (PlacedNode node in view.Nodes.Where(n => n.Draining))
        {
            if (plan.Drained.Contains(node.Name) == view.Containers.Any(c => c.Replicas.Contains(node.Name)))
            {
                return $"{node.Name}: drained or not, the plan says the contrary";
            }
        }

        return OverLimit() ?? Primaries();
    }

    private string? Replication(PlacedContainer container, PlacementPlan plan)
    {
        int live = container.InSync.Count(IsUp);
        if (live == 0)
        {
            return plan.Troubles.Any(t => t.Container == container.Id && t.Kind == PlacementTroubleKind.NoCopyUp) ? null
                : "has no live replica, which is not told";
        }

        int staying = container.Replicas.Count(n => !IsToLeave(n));
        if (staying < container.Wanted)
        {
            return !IsUp(container.Primary) ? "its primary is away and another is in sync"
                : view.Nodes.FirstOrDefault(n => Fits(container, n)) is { } fit ? $"{staying} of {container.Wanted}, {fit.Name} has room"
                : plan.Troubles.Any(t => t.Container == container.Id) ? null : "lacks replicas, which is not told";
        }

        return live >= container.Wanted && container.Replicas.Count > container.Wanted ? "has more replicas than wanted" : null;
    }

    private string? Zones(PlacedContainer container) =>
        !IsAtRest(container) || CountZones(container.Replicas) == container.Replicas.Count ? null
        : view.Nodes.FirstOrDefault(n => Fits(container, n) && !container.Replicas.Any(r => _nodes[r].Zone == n.Zone)) is { } fit
            ? $"two replicas in one zone, {fit.Name} of another has room" : null;

    // The replica that would go is the fullest of those whose going leaves the most zones.
    private string? Bytes(PlacedContainer container)
    {
        if (!IsAtRest(container) || container.Bytes == 0 || container.Replicas.Any(r => Used(_nodes[r]) > Limit(_nodes[r])))
        {
            return null;
        }

        foreach (PlacedNode to in view.Nodes.Where(n => Fits(container, n)))
        {
            NodeName[] all = [.. container.Replicas, to.Name];
            int zones = all.Max(n => CountZones(all.Where(a => a != n)));
            PlacedNode from = all.Where(n => CountZones(all.Where(a => a != n)) == zones && n != to.Name).Select(n => _nodes[n])
                .OrderByDescending(Fill).FirstOrDefault() ?? to;
            double toAfter = Fill(to) + ((double)container.Bytes / to.CapacityBytes);
            double fromAfter = Fill(from) - ((double)container.Bytes / from.CapacityBytes);
            if (Fill(from) - Fill(to) > limits.BalanceSlack + 1e-9 && toAfter < fromAfter - 1e-9)
            {
                return $"a move from {from.Name} ({Fill(from):P1}) to {to.Name} ({Fill(to):P1}) would balance";
            }
        }

        return null;
    }

    private string? PrimaryOf(PlacedContainer container) =>
        IsToLeave(container.Primary) && container.InSync.Any(n => MayReceive(n)) && (IsUp(container.Primary) || IsGone(container.Primary))
            ? "its primary is on a node that is gone or drained" : null;

    private string? OverLimit()
    {
        foreach (PlacedNode node in view.Nodes.Where(n => MayReceive(n.Name) && Used(n) > Limit(n)))
        {
            foreach (PlacedContainer container in view.Containers.Where(c => c.Replicas.Contains(node.Name) && IsAtRest(c) && c.Bytes > 0))
            {
                if (view.Nodes.FirstOrDefault(n => Fits(container, n)) is { } fit)
                {
                    return $"{node.Name} is above its limit, {fit.Name} has room for {container.Id}";
                }
            }
        }

        return null;
    }

    private string? Primaries()
    {
        int nodes = view.Nodes.Count(n => MayReceive(n.Name));
        double slack = nodes == 0 ? 2 : Math.Max(2, limits.PrimarySlack * view.Containers.Count / nodes);
        foreach (PlacedContainer container in view.Containers.Where(IsAtRest))
        {
            int from = CountPrimaries(container.Primary);
            if (container.InSync.Any(n => from - CountPrimaries(n) >= slack + 1))
            {
                return $"{container.Primary} has {from} primaries, that of {container.Id} could be elsewhere";
            }
        }

        return null;
    }

    private bool IsUp(NodeName name) => _nodes.TryGetValue(name, out PlacedNode? node) && node.AwayFor is null;

    private bool IsGone(NodeName name) => !_nodes.TryGetValue(name, out PlacedNode? node) || node.AwayFor > limits.GoneAfter;

    private bool IsToLeave(NodeName name) => IsGone(name) || _nodes[name].Draining;

    private bool MayReceive(NodeName name) => IsUp(name) && !_nodes[name].Draining;

    private bool IsAtRest(PlacedContainer container) => container.Replicas.Count == container.Wanted
        && container.InSync.Count == container.Wanted && container.Replicas.All(MayReceive);

    private bool Fits(PlacedContainer container, PlacedNode node) => MayReceive(node.Name) && !container.Replicas.Contains(node.Name)
        && Used(node) + container.Bytes <= Limit(node);

    private long Limit(PlacedNode node) => (long)(node.CapacityBytes * limits.FillLimit);

    private readonly Dictionary<NodeName, long> _used = [];

    private long Used(PlacedNode node)
    {
        if (!_used.TryGetValue(node.Name, out long used))
        {
            used = node.OtherBytes + view.Containers.Where(c => c.Replicas.Contains(node.Name)).Sum(c => c.Bytes);
            _used.Add(node.Name, used);
        }

        return used;
    }

    private double Fill(PlacedNode node) => (double)Used(node) / node.CapacityBytes;

    private int CountZones(IEnumerable<NodeName> names) => names.Select(n => _nodes[n].Zone).Distinct().Count();

    private int CountPrimaries(NodeName name) => view.Containers.Count(c => c.Primary == name);
}
