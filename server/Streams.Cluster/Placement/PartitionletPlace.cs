namespace Streams.Cluster;

/// <summary>Where the next partitionlet of a lane goes.</summary>
internal static class PartitionletPlace
{
    public static NextPartitionlet Choose(PlacementBoard board, int replicas, long bytes)
    {
        int whole = -1;
        int hurt = -1;
        int count = 0;
        for (int c = 0; c < board.Containers.Length; c++)
        {
            if (board.Containers[c].Wanted != replicas || !HasRoom(board, c, bytes))
            {
                continue;
            }

            if (board.CountLive(c) >= replicas && Array.TrueForAll(board.Replicas[c], board.MayReceive))
            {
                count++;
                whole = Better(board, c, whole);
            }
            else if (board.MayReceive(board.Primary[c]) && board.CountLive(c) > 0)
            {
                hurt = Better(board, c, hurt);
            }
        }

        List<int> nodes = NodesFor(board, replicas, bytes);
        int enough = board.Limits.OpenContainersPerNode * Enumerable.Range(0, board.Nodes.Length).Count(board.MayReceive);
        bool makesNew = nodes.Count == replicas ? whole < 0 || count < enough : whole < 0 && hurt < 0;
        return makesNew
            ? new NextPartitionlet(null, [.. nodes.Select(n => board.Nodes[n].Name)])
            : new NextPartitionlet(board.Containers[whole >= 0 ? whole : hurt].Id, []);
    }

    // What is empty takes a partitionlet of any size: there is no larger container for it.
    private static bool HasRoom(PlacementBoard board, int container, long bytes)
    {
        long held = board.Containers[container].Bytes;
        if (held > 0 && held + bytes > board.Limits.ContainerBytes)
        {
            return false;
        }

        foreach (int node in board.Replicas[container])
        {
            if (!board.IsGone(node) && !board.HasRoom(node, bytes))
            {
                return false;
            }
        }

        return true;
    }

    // Writing loads all nodes of a container alike, so the busiest of them counts.
    private static int Better(PlacementBoard board, int a, int b) => b < 0 || Rank(board, a).CompareTo(Rank(board, b)) < 0 ? a : b;

    private static (long, long, double, int) Rank(PlacementBoard board, int container)
    {
        long load = 0;
        double fill = 0;
        foreach (int node in board.Replicas[container])
        {
            load = Math.Max(load, board.Loads[node]);
            fill = Math.Max(fill, board.Fill(node));
        }

        return (load, board.Containers[container].Load, fill, container);
    }

    // One after the other: in the zone with the fewest so far, there the least loaded, then the emptiest. The primary goes where
    // the fewest are.
    private static List<int> NodesFor(PlacementBoard board, int replicas, long bytes)
    {
        List<int> chosen = [];
        int[] inZone = new int[board.Zones.Length];
        while (chosen.Count < replicas)
        {
            int best = -1;
            for (int n = 0; n < board.Nodes.Length; n++)
            {
                if (board.MayReceive(n) && board.HasRoom(n, bytes) && !chosen.Contains(n)
                    && (best < 0 || Rank(n).CompareTo(Rank(best)) < 0))
                {
                    best = n;
                }
            }

            if (best < 0)
            {
                break;
            }

            chosen.Add(best);
            inZone[board.ZoneOf[best]]++;
        }

        chosen.Sort((a, b) => (board.Primaries[a], a).CompareTo((board.Primaries[b], b)));
        return chosen;

        (int, long, double, int) Rank(int node) => (inZone[board.ZoneOf[node]], board.Loads[node], board.Fill(node), node);
    }
}
