using Streams.Storage;

namespace Streams.Cluster;

/// <summary>A view in numbers instead of names, sorted, so that the order of what came in means nothing, together with what the
/// steps chosen so far change in it.</summary>
/// <remarks>Two accounts of bytes are kept for each node. <see cref="Used"/> has every replica that is assigned, those under way to
/// the node and those on their way out: no node is filled beyond its limit by it. <see cref="Settled"/> leaves out what is on its
/// way out: by it nodes are compared, or a copy under way would be planned again and again.</remarks>
internal sealed class PlacementBoard
{
    private readonly List<PlacementStep> _steps = [];
    private readonly bool[] _touched;

    public PlacementBoard(PlacementView view, PlacementLimits limits)
    {
        Limits = limits;
        Containers = [.. view.Containers];
        Array.Sort(Containers, static (a, b) => a.Id.Value.CompareTo(b.Id.Value));
        Nodes = WithUnknown(view);
        Dictionary<NodeName, int> index = new(Nodes.Length);
        SortedDictionary<string, List<int>> zones = new(StringComparer.Ordinal);
        for (int n = 0; n < Nodes.Length; n++)
        {
            index.Add(Nodes[n].Name, n);
            if (!zones.TryGetValue(Nodes[n].Zone, out List<int>? members))
            {
                zones.Add(Nodes[n].Zone, members = []);
            }

            members.Add(n);
        }

        Zones = [.. zones.Values.Select(z => z.ToArray())];
        ZoneOf = new int[Nodes.Length];
        for (int z = 0; z < Zones.Length; z++)
        {
            foreach (int n in Zones[z])
            {
                ZoneOf[n] = z;
            }
        }

        Used = [.. Nodes.Select(n => n.OtherBytes)];
        LimitBytes = [.. Nodes.Select(n => (long)(n.CapacityBytes * limits.FillLimit))];
        Primaries = new int[Nodes.Length];
        Loads = new long[Nodes.Length];
        Into = new int[Nodes.Length];
        OutOf = new int[Nodes.Length];
        Replicas = new int[Containers.Length][];
        InSync = new bool[Containers.Length][];
        Primary = new int[Containers.Length];
        Leaving = new int[Containers.Length][];
        _touched = new bool[Containers.Length];
        for (int c = 0; c < Containers.Length; c++)
        {
            Place(c, index);
        }

        Settled = [.. Used];
        Held = WhatNodesHold();
        for (int c = 0; c < Containers.Length; c++)
        {
            Leaving[c] = ChooseLeaving(c);
        }
    }

    public PlacementLimits Limits { get; }

    public PlacedNode[] Nodes { get; }

    public PlacedContainer[] Containers { get; }

    /// <summary>The nodes of each zone.</summary>
    public int[][] Zones { get; }

    public int[] ZoneOf { get; }

    public long[] Used { get; }

    public long[] Settled { get; }

    public long[] LimitBytes { get; }

    /// <summary>How many containers have their primary on the node.</summary>
    public int[] Primaries { get; }

    /// <summary>The sum of the loads of the containers of which the node has a replica.</summary>
    public long[] Loads { get; }

    /// <summary>Copies under way to the node.</summary>
    public int[] Into { get; }

    /// <summary>Copies under way from the node.</summary>
    public int[] OutOf { get; }

    /// <summary>Copies under way.</summary>
    public int Copies { get; private set; }

    public int[][] Replicas { get; }

    public bool[][] InSync { get; }

    public int[] Primary { get; }

    /// <summary>For each container the replicas that it has too many, the first to go first.</summary>
    public int[][] Leaving { get; }

    /// <summary>The containers of each node.</summary>
    public int[][] Held { get; }

    public IReadOnlyList<PlacementStep> Steps => _steps;

    public List<PlacementTrouble> Troubles { get; } = [];

    public bool IsUp(int node) => Nodes[node].AwayFor is null;

    public bool IsGone(int node) => Nodes[node].AwayFor > Limits.GoneAfter;

    /// <summary>Whether the node may be given anything.</summary>
    public bool MayReceive(int node) => IsUp(node) && !Nodes[node].Draining;

    /// <summary>Whether what the node holds is to be elsewhere.</summary>
    public bool IsToLeave(int node) => Nodes[node].Draining || IsGone(node);

    public bool IsTouched(int container) => _touched[container];

    public bool HasRoom(int node, long bytes) => Used[node] + bytes <= LimitBytes[node];

    public bool IsOverLimit(int node) => Settled[node] > LimitBytes[node];

    /// <summary>How full the node will be when what is on its way has left it, and would be with so many bytes more: part of its
    /// capacity.</summary>
    public double Fill(int node, long more = 0) => (double)(Settled[node] + more) / Nodes[node].CapacityBytes;

    /// <summary>How full the node is with all that is assigned to it, and would be with so many bytes more: part of its capacity.
    /// </summary>
    public double FillNow(int node, long more = 0) => (double)(Used[node] + more) / Nodes[node].CapacityBytes;

    public bool Holds(int container, int node) => Array.IndexOf(Replicas[container], node) >= 0;

    public bool IsInSync(int container, int node)
    {
        int at = Array.IndexOf(Replicas[container], node);
        return at >= 0 && InSync[container][at];
    }

    /// <summary>In-sync replicas on nodes that are up, without that of <paramref name="except"/>.</summary>
    public int CountLive(int container, int except = -1)
    {
        int count = 0;
        for (int i = 0; i < Replicas[container].Length; i++)
        {
            int node = Replicas[container][i];
            count += InSync[container][i] && node != except && IsUp(node) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Replicas on nodes that are to keep them.</summary>
    public int CountStaying(int container)
    {
        int count = 0;
        foreach (int node in Replicas[container])
        {
            count += IsToLeave(node) ? 0 : 1;
        }

        return count;
    }

    /// <summary>Whether the container has what it is to have, nothing of it under way, all on nodes that are up and stay.</summary>
    public bool IsAtRest(int container)
    {
        if (Replicas[container].Length != Containers[container].Wanted || _touched[container])
        {
            return false;
        }

        for (int i = 0; i < Replicas[container].Length; i++)
        {
            if (!InSync[container][i] || !MayReceive(Replicas[container][i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a copy may begin towards the node.</summary>
    public bool MayCopyTo(int node) => Into[node] < Limits.CopiesPerNode;

    /// <summary>Whether a copy of the container may begin: its primary, from which it would come, has a slot, and the cluster
    /// has.</summary>
    public bool MayCopy(int container) =>
        Copies < Limits.Copies && IsUp(Primary[container]) && OutOf[Primary[container]] < Limits.CopiesPerNode;

    public void AddReplica(int container, int node, PlacementReason reason, int leaves = -1)
    {
        long bytes = Containers[container].Bytes;
        Used[node] += bytes;
        Settled[node] += bytes;
        if (leaves >= 0)
        {
            Settled[leaves] -= bytes;
        }

        Into[node]++;
        OutOf[Primary[container]]++;
        Copies++;
        Take(PlacementAction.AddReplica, container, node, reason);
    }

    public void RemoveReplica(int container, int node, PlacementReason reason)
    {
        // Said again where it is done: whatever chose the node, this must hold.
        if (node == Primary[container] || CountLive(container, node) < Containers[container].Wanted)
        {
            throw new InvalidOperationException(
                $"placement: {Containers[container].Id} cannot do without its replica on {Nodes[node].Name}");
        }

        Take(PlacementAction.RemoveReplica, container, node, reason);
    }

    public void MovePrimary(int container, int node, PlacementReason reason)
    {
        if (!IsInSync(container, node) || !IsUp(node))
        {
            throw new InvalidOperationException($"placement: {Nodes[node].Name} cannot be the primary of {Containers[container].Id}");
        }

        Primaries[Primary[container]]--;
        Primaries[node]++;
        Take(PlacementAction.MovePrimary, container, node, reason);
    }

    public void Trouble(PlacementTroubleKind kind, int container, int node = -1) =>
        Troubles.Add(new PlacementTrouble(kind, Containers[container].Id, node < 0 ? default : Nodes[node].Name));

    private void Take(PlacementAction action, int container, int node, PlacementReason reason)
    {
        _touched[container] = true;
        _steps.Add(new PlacementStep(action, Containers[container].Id, Nodes[node].Name, reason));
    }

    // A replica on a node that nobody knows is one on a node that is gone.
    private static PlacedNode[] WithUnknown(PlacementView view)
    {
        Dictionary<NodeName, PlacedNode> nodes = view.Nodes.ToDictionary(n => n.Name);
        foreach (PlacedContainer container in view.Containers)
        {
            foreach (NodeName name in container.Replicas)
            {
                if (!nodes.ContainsKey(name))
                {
                    nodes.Add(name, new PlacedNode { Name = name, CapacityBytes = long.MaxValue, AwayFor = TimeSpan.MaxValue });
                }
            }
        }

        PlacedNode[] sorted = [.. nodes.Values];
        Array.Sort(sorted, static (a, b) => a.Name.CompareTo(b.Name));
        return sorted;
    }

    private void Place(int c, Dictionary<NodeName, int> index)
    {
        PlacedContainer container = Containers[c];
        int[] replicas = [.. container.Replicas.Select(name => index[name])];
        Array.Sort(replicas);
        Replicas[c] = replicas;
        InSync[c] = new bool[replicas.Length];
        Primary[c] = index[container.Primary];
        Primaries[Primary[c]]++;
        foreach (NodeName name in container.InSync)
        {
            InSync[c][Array.IndexOf(replicas, index[name])] = true;
        }

        for (int i = 0; i < replicas.Length; i++)
        {
            int node = replicas[i];
            Used[node] += container.Bytes;
            Loads[node] += container.Load;
            CountCopy(c, node, InSync[c][i]);
        }
    }

    // A node that comes back catches up with all that it holds at once, and replication spaces that itself. It takes as many slots as
    // may be used for one node, not more: else a node that never catches up would keep the whole cluster from copying anything.
    private void CountCopy(int container, int node, bool inSync)
    {
        if (!inSync && IsUp(node) && IsUp(Primary[container]) && Into[node] < Limits.CopiesPerNode)
        {
            Into[node]++;
            OutOf[Primary[container]]++;
            Copies++;
        }
    }

    private int[][] WhatNodesHold()
    {
        int[] counts = new int[Nodes.Length];
        foreach (int[] replicas in Replicas)
        {
            foreach (int node in replicas)
            {
                counts[node]++;
            }
        }

        int[][] held = [.. counts.Select(n => new int[n])];
        Array.Clear(counts);
        for (int c = 0; c < Replicas.Length; c++)
        {
            foreach (int node in Replicas[c])
            {
                held[node][counts[node]++] = c;
            }
        }

        return held;
    }

    private int[] ChooseLeaving(int container)
    {
        int surplus = Replicas[container].Length - Containers[container].Wanted;
        if (surplus <= 0)
        {
            return [];
        }

        int[] leaving = new int[surplus];
        List<int> left = [.. Replicas[container]];
        for (int i = 0; i < surplus; i++)
        {
            leaving[i] = SurplusRule.FirstToLeave(this, container, left);
            left.Remove(leaving[i]);
            Settled[leaving[i]] -= Containers[container].Bytes;
        }

        return leaving;
    }
}
