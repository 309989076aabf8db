namespace Streams.Cluster;

/// <summary>Where a further replica of a container may go.</summary>
internal readonly record struct Target(int Node, bool AnyFits)
{
    public bool IsFound => Node >= 0;
}

/// <summary>Looks for a node for a replica: one that is up and not drained, holds none of the container, and has room; in the zone
/// with the fewest of its replicas, and there the emptiest.</summary>
internal sealed class TargetSearch
{
    private readonly PlacementBoard _board;
    private readonly long _mostRoom = -1;

    // Only nodes that may get anything: in a cluster that is full nearly everywhere that is what makes the search short.
    private readonly int[][] _zones;

    public TargetSearch(PlacementBoard board)
    {
        _board = board;
        _zones = [.. board.Zones.Select(zone => Array.FindAll(zone, n => board.MayReceive(n) && board.HasRoom(n, 0)))];
        foreach (int node in _zones.SelectMany(zone => zone))
        {
            _mostRoom = Math.Max(_mostRoom, board.LimitBytes[node] - board.Used[node]);
        }
    }

    /// <summary>Looks for a node.</summary>
    /// <param name="container">The container.</param>
    /// <param name="without">A replica that is to go in exchange and whose zone counts as free, or -1.</param>
    /// <param name="mostInZone">Only in zones with at most so many of its other replicas.</param>
    /// <param name="anyZone">Whether to take another zone rather than to wait until a node of the best zone may be copied to.</param>
    public Target Find(int container, int without = -1, int mostInZone = int.MaxValue, bool anyZone = false)
    {
        long bytes = _board.Containers[container].Bytes;
        int best = -1;
        int bestInZone = int.MaxValue;
        int fewest = int.MaxValue;
        for (int z = 0; bytes <= _mostRoom && z < _zones.Length; z++)
        {
            if (_zones[z].Length == 0)
            {
                continue;
            }

            int inZone = CountInZone(container, z, without);
            if (inZone > mostInZone || (!anyZone && inZone > fewest))
            {
                continue;
            }

            foreach (int node in _zones[z])
            {
                if (!_board.HasRoom(node, bytes) || _board.Holds(container, node))
                {
                    continue;
                }

                fewest = Math.Min(fewest, inZone);
                if (_board.MayCopyTo(node) && (best < 0 || (inZone, _board.Fill(node, bytes), node)
                    .CompareTo((bestInZone, _board.Fill(best, bytes), best)) < 0))
                {
                    (best, bestInZone) = (node, inZone);
                }
            }
        }

        return new Target(anyZone || bestInZone == fewest ? best : -1, fewest != int.MaxValue);
    }

    private int CountInZone(int container, int zone, int without)
    {
        int count = 0;
        foreach (int node in _board.Replicas[container])
        {
            count += node != without && _board.ZoneOf[node] == zone && !_board.IsToLeave(node) ? 1 : 0;
        }

        return count;
    }
}
