namespace Streams.Cluster;

/// <summary>Which replicas and primaries are moved so that nodes are used alike. Only containers that lack nothing are moved.</summary>
internal static class BalanceMoves
{
    /// <summary>Moves replicas from nodes to others that are emptier by the slack, if the receiver is not fuller than the giver
    /// afterwards, and zones stay as spread as they are.</summary>
    /// <remarks>So the sum over all nodes of used²/capacity falls with each move, and no sequence of moves comes back to where it began.
    /// The way back would need the slack in the other direction.</remarks>
    public static void Bytes(PlacementBoard board)
    {
        int[] givers = [.. Enumerable.Range(0, board.Nodes.Length).Where(board.MayReceive)];
        double[] full = [.. givers.Select(n => -board.Fill(n))];
        Array.Sort(full, givers);
        int[] receivers = [.. givers];
        double[] fills = [.. receivers.Select(n => board.FillNow(n))];
        Array.Sort(fills, receivers);
        for (int i = 0; i < givers.Length && board.Copies < board.Limits.Copies; i++)
        {
            if (!IsFuller(board, givers[i], fills[0]))
            {
                break;
            }

            int[] containers = [.. board.Held[givers[i]]];
            Array.Sort(containers, (a, b) => (board.Containers[b].Bytes, a).CompareTo((board.Containers[a].Bytes, b)));
            foreach (int container in containers)
            {
                if (!IsFuller(board, givers[i], fills[0]) || board.Copies >= board.Limits.Copies)
                {
                    break;
                }

                if (board.Containers[container].Bytes > 0 && board.IsAtRest(container) && board.MayCopy(container))
                {
                    MoveFrom(board, container, givers[i], receivers, fills);
                }
            }
        }
    }

    private static bool IsFuller(PlacementBoard board, int node, double than) => board.Fill(node) - than >= board.Limits.BalanceSlack;

    // The receiver is judged by all that it holds, the giver by what it will hold: so a copy that is begun here is never given up because
    // of others that end later.
    private static void MoveFrom(PlacementBoard board, int container, int from, int[] receivers, double[] fills)
    {
        long bytes = board.Containers[container].Bytes;
        double after = board.Fill(from, -bytes);
        bool shares = IsInZone(board, container, from, board.ZoneOf[from]);
        for (int t = 0; t < receivers.Length && IsFuller(board, from, fills[t]); t++)
        {
            int to = receivers[t];
            if (IsFuller(board, from, board.FillNow(to)) && board.FillNow(to, bytes) <= after && board.HasRoom(to, bytes)
                && board.MayCopyTo(to) && !board.Holds(container, to) && (shares || !IsInZone(board, container, from, board.ZoneOf[to]))
                && SurplusRule.WhoWouldLeave(board, container, to, from) == from)
            {
                board.AddReplica(container, to, PlacementReason.Bytes, from);
                return;
            }
        }
    }

    private static bool IsInZone(PlacementBoard board, int container, int except, int zone)
    {
        foreach (int node in board.Replicas[container])
        {
            if (node != except && board.ZoneOf[node] == zone)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Hands primaries over: from nodes that are drained, and from those that have more than others by the slack.</summary>
    public static void Primaries(PlacementBoard board)
    {
        int left = board.Limits.PrimaryMoves;
        int staying = 0;
        for (int c = 0; c < board.Containers.Length && left > 0; c++)
        {
            if (!board.IsTouched(c) && board.Nodes[board.Primary[c]].Draining && board.IsUp(board.Primary[c])
                && PlacementPlanner.BestPrimary(board, c) is >= 0 and int heir && board.MayReceive(heir))
            {
                board.MovePrimary(c, heir, PlacementReason.Drain);
                left--;
            }
        }

        for (int n = 0; n < board.Nodes.Length; n++)
        {
            staying += board.MayReceive(n) ? 1 : 0;
        }

        int slack = staying == 0 ? 2 : Math.Max(2, (int)Math.Ceiling(board.Limits.PrimarySlack * board.Containers.Length / staying));
        int[] byCount = [.. Enumerable.Range(0, board.Nodes.Length).Where(board.MayReceive)
            .OrderByDescending(n => board.Primaries[n]).ThenBy(n => n)];
        foreach (int from in byCount)
        {
            foreach (int container in board.Held[from])
            {
                if (left > 0 && board.Primary[container] == from && board.IsAtRest(container)
                    && PlacementPlanner.BestPrimary(board, container) is >= 0 and int heir
                    && board.Primaries[from] - board.Primaries[heir] >= slack)
                {
                    board.MovePrimary(container, heir, PlacementReason.Primaries);
                    left--;
                }
            }
        }
    }
}
