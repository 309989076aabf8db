using Streams.Core;

namespace Streams.Cluster;

/// <summary>Decides where replicas and primaries are to be: from what is, the steps to be taken now.</summary>
/// <remarks>
/// <para>Pure: the same view gives the same plan, whatever the order of its lists, and nothing is remembered between plans. What a
/// step is for has to be seen from the view alone: a replica that moves is one that is added, and one too many when it is in sync
/// (<see cref="SurplusRule"/>). So whoever plans next, on whatever node, goes on where the last one stopped.</para>
/// <para>Never: a step that leaves fewer in-sync replicas on nodes that are up than are wanted, or than there are when those are
/// fewer; the removal of a primary; two replicas on one node; a node planned beyond its limit; a primary that is not in sync or not
/// up.</para>
/// <para>It ends: each kind of step lowers its own measure (missing replicas, bytes above limits, shared zones, unevenness of
/// bytes, unevenness of primaries) and raises none that comes before it. So without news a plan without steps is reached.</para>
/// </remarks>
public static class PlacementPlanner
{
    /// <summary>What is to be done now. Cost: in proportion to the containers; with 1,000 nodes and 100,000 containers well under a
    /// second where little is to be moved.</summary>
    /// <exception cref="InvalidRequestException">The view contradicts itself; the message names every fault.</exception>
    /// <exception cref="ConfigurationException">A limit is out of its range.</exception>
    public static PlacementPlan Plan(PlacementView view, PlacementLimits limits)
    {
        PlacementBoard board = Open(view, limits);
        ReplacePrimariesThatAreGone(board);
        RemoveSurplus(board);
        ReplicaMoves.AddMissing(board);
        ReplicaMoves.Relieve(board);
        ReplicaMoves.SpreadZones(board);
        BalanceMoves.Bytes(board);
        BalanceMoves.Primaries(board);
        return new PlacementPlan(board.Steps, board.Troubles, WhatIsDrained(board));
    }

    /// <summary>Where the next partitionlet of a lane goes: into the least loaded container that has room and is whole, or, while
    /// there are few of those for the nodes there are, into a new one.</summary>
    /// <param name="view">What is.</param>
    /// <param name="limits">What to keep to.</param>
    /// <param name="replicas">How many replicas the lane's stream wants, at least 1. Only containers of as many are
    /// considered.</param>
    /// <param name="bytes">How large the partitionlet may become, at least 0.</param>
    /// <exception cref="InvalidRequestException">The view contradicts itself, or a number is out of its range.</exception>
    /// <exception cref="ConfigurationException">A limit is out of its range.</exception>
    public static NextPartitionlet NextContainer(PlacementView view, PlacementLimits limits, int replicas, long bytes)
    {
        if (replicas < 1 || bytes < 0)
        {
            throw new InvalidRequestException($"placement: {replicas} replicas, {bytes} bytes: at least 1 and 0 are needed");
        }

        return PartitionletPlace.Choose(Open(view, limits), replicas, bytes);
    }

    private static PlacementBoard Open(PlacementView view, PlacementLimits limits)
    {
        IReadOnlyList<string> faults = limits.FindFaults();
        if (faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', faults));
        }

        view.Check();
        return new PlacementBoard(view, limits);
    }

    // The replicas elect a new primary themselves when a lease ends. This is for those that could not, and for nothing shorter than
    // an absence after which replicas are made anew.
    private static void ReplacePrimariesThatAreGone(PlacementBoard board)
    {
        for (int c = 0; c < board.Containers.Length; c++)
        {
            if (board.CountLive(c) == 0)
            {
                board.Trouble(PlacementTroubleKind.NoCopyUp, c);
            }
            else if (board.IsGone(board.Primary[c]) && BestPrimary(board, c) is >= 0 and int heir)
            {
                board.MovePrimary(c, heir, PlacementReason.PrimaryGone);
            }
        }
    }

    private static void RemoveSurplus(PlacementBoard board)
    {
        for (int c = 0; c < board.Containers.Length; c++)
        {
            // Whose primary has just gone is about to elect another: nothing is done to it meanwhile.
            bool electing = !board.IsUp(board.Primary[c]) && !board.IsGone(board.Primary[c]);
            foreach (int node in board.Leaving[c])
            {
                if (electing || board.IsTouched(c))
                {
                    break;
                }

                // Else a copy is still under way, for which this one is to go.
                if (board.CountLive(c, node) >= board.Containers[c].Wanted)
                {
                    Remove(board, c, node);
                }
            }
        }
    }

    private static void Remove(PlacementBoard board, int container, int node)
    {
        if (node != board.Primary[container])
        {
            board.RemoveReplica(container, node, PlacementReason.Surplus);
        }
        else if (BestPrimary(board, container) is >= 0 and int heir)
        {
            board.MovePrimary(container, heir, PlacementReason.Surplus);
        }
    }

    /// <summary>The replica that is best made the primary, or -1: in sync and up, not one too many, rather on a node that stays,
    /// then on the one with the fewest primaries.</summary>
    internal static int BestPrimary(PlacementBoard board, int container)
    {
        int best = -1;
        for (int i = 0; i < board.Replicas[container].Length; i++)
        {
            int node = board.Replicas[container][i];
            if (board.InSync[container][i] && board.IsUp(node) && node != board.Primary[container]
                && Array.IndexOf(board.Leaving[container], node) < 0 && (best < 0 || Rank(node).CompareTo(Rank(best)) < 0))
            {
                best = node;
            }
        }

        return best;

        (bool, int, int) Rank(int node) => (board.IsToLeave(node), board.Primaries[node], node);
    }

    private static List<NodeName> WhatIsDrained(PlacementBoard board)
    {
        List<NodeName> drained = [];
        for (int n = 0; n < board.Nodes.Length; n++)
        {
            if (board.Nodes[n].Draining && board.Held[n].Length == 0)
            {
                drained.Add(board.Nodes[n].Name);
            }
        }

        return drained;
    }
}
