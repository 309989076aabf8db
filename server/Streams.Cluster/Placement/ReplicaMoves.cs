namespace Streams.Cluster;

/// <summary>Which replicas are added because some are missing or stand in the wrong place.</summary>
internal static class ReplicaMoves
{
    /// <summary>Makes replicas anew that were on nodes that are gone, and elsewhere those of nodes that are drained. Containers with the
    /// fewest live replicas come first.</summary>
    public static void AddMissing(PlacementBoard board)
    {
        TargetSearch search = new(board);
        List<(bool Drain, int Live, int Container)> missing = [];
        for (int c = 0; c < board.Containers.Length; c++)
        {
            int wanted = board.Containers[c].Wanted;
            int live = board.CountLive(c);
            if (!board.IsTouched(c) && live > 0 && board.CountStaying(c) < wanted)
            {
                missing.Add((board.Replicas[c].Count(n => !board.IsGone(n)) >= wanted, live, c));
            }
        }

        missing.Sort();
        foreach ((bool drain, int live, int container) in missing)
        {
            if (!board.MayCopy(container))
            {
                continue;
            }

            // The last live replica does not wait for the right zone.
            Target target = search.Find(container, anyZone: live == 1);
            if (target.IsFound)
            {
                board.AddReplica(container, target.Node, drain ? PlacementReason.Drain : PlacementReason.TooFew);
            }
            else if (!target.AnyFits)
            {
                board.Trouble(drain ? PlacementTroubleKind.CannotLeave : PlacementTroubleKind.NoRoomForReplica, container,
                    drain ? Array.Find(board.Replicas[container], board.IsToLeave) : -1);
            }
        }
    }

    /// <summary>Moves replicas away from nodes above their limit: rather where zones stay as spread as they are, but at the cost of that
    /// if need be, for a full disk stops all that is on it.</summary>
    public static void Relieve(PlacementBoard board)
    {
        TargetSearch search = new(board);
        for (int node = 0; node < board.Nodes.Length; node++)
        {
            if (!board.MayReceive(node) || !board.IsOverLimit(node))
            {
                continue;
            }

            bool anyFits = false;
            while (board.IsOverLimit(node) && (RelieveOnce(board, search, node, 0, ref anyFits)
                || RelieveOnce(board, search, node, int.MaxValue, ref anyFits)))
            {
            }

            if (board.IsOverLimit(node) && !anyFits && board.Held[node].Length > 0)
            {
                board.Trouble(PlacementTroubleKind.CannotLeave, board.Held[node][0], node);
            }
        }
    }

    private static bool RelieveOnce(PlacementBoard board, TargetSearch search, int node, int mostInZone, ref bool anyFits)
    {
        foreach (int container in BySuitability(board, node))
        {
            // One that has already more than it wants is on the way somewhere.
            if (board.IsTouched(container) || board.Replicas[container].Length != board.Containers[container].Wanted
                || board.CountStaying(container) != board.Containers[container].Wanted || board.Containers[container].Bytes == 0)
            {
                anyFits |= board.Replicas[container].Length > board.Containers[container].Wanted;
                continue;
            }

            // What has to wait for a slot is looked at when it has one.
            if (!board.MayCopy(container))
            {
                anyFits = true;
                continue;
            }

            Target target = search.Find(container, node, mostInZone);
            anyFits |= target.AnyFits;
            if (target.IsFound && SurplusRule.WhoWouldLeave(board, container, target.Node, node) is var leaves
                && board.IsOverLimit(leaves) && leaves != target.Node)
            {
                board.AddReplica(container, target.Node, PlacementReason.Relief, leaves);
                return true;
            }
        }

        return false;
    }

    // The smallest one that is enough, or else the largest: as few copies as may be.
    private static List<int> BySuitability(PlacementBoard board, int node)
    {
        long excess = board.Settled[node] - board.LimitBytes[node];
        List<int> containers = [.. board.Held[node]];
        containers.Sort((a, b) =>
        {
            long x = board.Containers[a].Bytes;
            long y = board.Containers[b].Bytes;
            bool enough = x >= excess;
            int order = (y >= excess).CompareTo(enough);
            order = order != 0 ? order : enough ? x.CompareTo(y) : y.CompareTo(x);
            return order != 0 ? order : a.CompareTo(b);
        });
        return containers;
    }

    /// <summary>Moves replicas apart that share a zone, where a node of a zone without one has room.</summary>
    public static void SpreadZones(PlacementBoard board)
    {
        TargetSearch search = new(board);
        List<int> replicas = [];
        for (int c = 0; c < board.Containers.Length && board.Copies < board.Limits.Copies; c++)
        {
            replicas.Clear();
            replicas.AddRange(board.Replicas[c]);
            if (!replicas.Exists(n => SurplusRule.SharesZone(board, replicas, n)) || !board.IsAtRest(c) || !board.MayCopy(c))
            {
                continue;
            }

            Target target = search.Find(c, mostInZone: 0);
            if (target.IsFound && SurplusRule.WhoWouldLeave(board, c, target.Node) is var leaves && leaves != target.Node
                && SurplusRule.SharesZone(board, replicas, leaves))
            {
                board.AddReplica(c, target.Node, PlacementReason.Zones, leaves);
            }
        }
    }
}
