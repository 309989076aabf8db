namespace Streams.Cluster;

/// <summary>Which of the replicas of a container that has too many goes.</summary>
/// <remarks>A move is an added replica, and then one too many. So this one rule decides what moves are for: a move is only begun if
/// by this rule the replica that is to go would go, and nothing of the intention has to be remembered.</remarks>
internal static class SurplusRule
{
    /// <summary>The first of these to go. In this order of weight: on a node that is gone, on one that is drained, on one above its limit,
    /// in a zone that another one is in, on the fuller node; where all that is equal, no primary, then one not in sync, then the later
    /// name.</summary>
    public static int FirstToLeave(PlacementBoard board, int container, List<int> replicas) =>
        First(board, container, replicas, node => board.Settled[node]);

    /// <summary>Which replica would be one too many if the node got one, whatever else that is on its way out has left by then or not:
    /// that of <paramref name="from"/> is judged by what its node will hold at least, all others by what theirs hold at most.</summary>
    /// <remarks>Judged by what will be only, a copy could be begun and given up, begun and given up, for as long as another copy takes.
    /// </remarks>
    public static int WhoWouldLeave(PlacementBoard board, int container, int joining, int from = -1)
    {
        List<int> replicas = [.. board.Replicas[container], joining];
        long bytes = board.Containers[container].Bytes;
        return First(board, container, replicas, node =>
            node == from ? board.Settled[node] : board.Used[node] + (node == joining ? bytes : 0));
    }

    private static int First(PlacementBoard board, int container, List<int> replicas, Func<int, long> held)
    {
        int first = replicas[0];
        for (int i = 1; i < replicas.Count; i++)
        {
            if (Compare(board, container, replicas, held, replicas[i], first) > 0)
            {
                first = replicas[i];
            }
        }

        return first;
    }

    // Positive when a goes before b.
    private static int Compare(PlacementBoard board, int container, List<int> replicas, Func<int, long> held, int a, int b)
    {
        int order = Weight(a).CompareTo(Weight(b));
        if (order == 0)
        {
            order = ((double)held(a) / board.Nodes[a].CapacityBytes).CompareTo((double)held(b) / board.Nodes[b].CapacityBytes);
        }

        if (order == 0)
        {
            order = (board.Primary[container] != a).CompareTo(board.Primary[container] != b);
        }

        if (order == 0)
        {
            order = board.IsInSync(container, b).CompareTo(board.IsInSync(container, a));
        }

        return order == 0 ? a.CompareTo(b) : order;

        int Weight(int node) => (board.IsGone(node) ? 8 : 0) + (board.Nodes[node].Draining ? 4 : 0)
            + (held(node) > board.LimitBytes[node] ? 2 : 0) + (SharesZone(board, replicas, node) ? 1 : 0);
    }

    /// <summary>Whether another of these, on a node that keeps it, is in the node's zone.</summary>
    public static bool SharesZone(PlacementBoard board, List<int> replicas, int node)
    {
        foreach (int other in replicas)
        {
            if (other != node && board.ZoneOf[other] == board.ZoneOf[node] && !board.IsToLeave(other))
            {
                return true;
            }
        }

        return false;
    }
}
