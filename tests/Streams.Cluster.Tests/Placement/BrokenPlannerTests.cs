using Streams.Storage;

namespace Streams.Cluster.Tests.Placement;

/// <summary>That the judge of the worlds by chance sees what is wrong: planners that are broken in one way each.</summary>
public sealed class BrokenPlannerTests
{
    [Fact]
    public void Removing_before_adding_is_seen() => Assert.Contains("in sync, ", FirstFault(Each(step =>
        step.Action == PlacementAction.AddReplica && step.Reason == PlacementReason.Bytes
            ? step with { Action = PlacementAction.RemoveReplica, Node = default } : step, removesInSync: true)));

    [Fact]
    public void Two_replicas_on_one_node_are_seen() => Assert.Contains("two replicas on one node", FirstFault((view, limits) =>
        Changed(PlacementPlanner.Plan(view, limits), step => step.Action == PlacementAction.AddReplica
            ? step with { Node = view.Containers.Single(c => c.Id == step.Container).Primary } : step)));

    [Fact]
    public void Removing_the_primary_is_seen() => Assert.Contains("removes the primary", FirstFault(Each(step =>
        step is { Action: PlacementAction.MovePrimary, Reason: PlacementReason.Surplus }
            ? step with { Action = PlacementAction.RemoveReplica, Node = default } : step, removesInSync: false)));

    [Fact]
    public void A_primary_that_is_not_in_sync_is_seen() => Assert.Contains("a primary that is not in sync", FirstFault((view, limits) =>
    {
        PlacementPlan plan = PlacementPlanner.Plan(view, limits);
        PlacedContainer? copying = view.Containers.Where(c => !plan.Steps.Any(s => s.Container == c.Id))
            .OrderBy(c => c.Id.Value).FirstOrDefault(c => c.Replicas.Count > c.InSync.Count
                && view.Nodes.Any(n => n.Name == c.Primary && n.AwayFor is null));
        return copying is null ? plan : plan with
        {
            Steps = [.. plan.Steps, new PlacementStep(PlacementAction.MovePrimary, copying.Id,
                copying.Replicas.Where(n => !copying.InSync.Contains(n)).Min(), PlacementReason.Primaries)],
        };
    }));

    [Fact]
    public void A_planner_that_goes_beyond_the_limit_is_seen() => Assert.Contains("beyond the limit", FirstFault((view, limits) =>
        PlacementPlanner.Plan(view, limits with { FillLimit = 0.98 })));

    [Fact]
    public void A_planner_that_copies_too_much_at_once_is_seen() => Assert.Contains("too many copies", FirstFault((view, limits) =>
        PlacementPlanner.Plan(view, limits with { CopiesPerNode = 64, Copies = 4096 })));

    [Fact]
    public void A_planner_that_takes_a_short_absence_for_a_long_one_is_seen() => Assert.Contains("away for a short while",
        FirstFault((view, limits) => PlacementPlanner.Plan(view, limits with { GoneAfter = TimeSpan.Zero })));

    [Fact]
    public void A_planner_for_which_the_order_counts_is_seen() => Assert.Contains("the order of what came in", FirstFault((view, limits) =>
    {
        PlacementPlan plan = PlacementPlanner.Plan(view, limits);
        return plan with { Steps = [.. plan.Steps.OrderBy(s => view.Containers.ToList().FindIndex(c => c.Id == s.Container))] };
    }));

    [Fact]
    public void A_planner_that_leaves_one_of_its_duties_out_is_seen_at_rest()
    {
        AssertSeen("has room", Without(PlacementReason.TooFew));
        AssertSeen("has more replicas than wanted", Without(PlacementReason.Surplus));
        AssertSeen("two replicas in one zone", Without(PlacementReason.Zones));
        AssertSeen("would balance", Without(PlacementReason.Bytes));
        AssertSeen("above its limit", Without(PlacementReason.Relief));
        AssertSeen("primaries, that of", Without(PlacementReason.Primaries));
        AssertSeen("room", Without(PlacementReason.Drain));
    }

    [Fact]
    public void A_planner_that_moves_to_and_fro_is_seen() => Assert.Matches("comes back to where it was|does not come to rest",
        FirstFault((view, limits) =>
        {
            PlacementPlan plan = PlacementPlanner.Plan(view, limits);
            if (plan.Steps.Count > 0)
            {
                return plan;
            }

            // At rest it hands a primary to whoever is in sync, for ever.
            PlacedContainer? other = view.Containers.OrderBy(c => c.Id.Value).FirstOrDefault(c => c.InSync.Count == 2
                && c.InSync.All(n => view.Nodes.Any(v => v.Name == n && v.AwayFor is null)));
            return other is null ? plan : plan with
            {
                Steps = [new PlacementStep(PlacementAction.MovePrimary, other.Id, other.InSync.Single(n => n != other.Primary),
                    PlacementReason.Primaries)],
            };
        }));

    [Fact]
    public void A_partitionlet_in_the_wrong_place_is_seen()
    {
        PlacementWorld world = new(3);
        PlacementView view = world.View();
        PlacementChecker checker = new(view, world.Limits);
        NodeName[] names = [.. view.Nodes.Select(n => n.Name).Order()];
        PlacedContainer container = view.Containers.MinBy(c => c.Id.Value)!;
        Assert.Contains("two replicas on one node", checker.FaultOf(new NextPartitionlet(null, [names[0], names[0]]), 2, 0));
        Assert.Contains("without room", checker.FaultOf(new NextPartitionlet(null, [names[0]]), 1, 1 << 30));
        Assert.Contains("has no room", checker.FaultOf(new NextPartitionlet(container.Id, []), container.Wanted, 1 << 30));
        Assert.Contains("replicas", checker.FaultOf(new NextPartitionlet(container.Id, []), container.Wanted + 1, 0));
        Assert.Contains("are able", checker.FaultOf(new NextPartitionlet(null, []), 1, 0));
    }

    // A removal without a node is that of the primary, or of the first other replica that is in sync.
    private static PlacementRun.Planner Each(Func<PlacementStep, PlacementStep> change, bool removesInSync) => (view, limits) =>
        Changed(PlacementPlanner.Plan(view, limits), step =>
        {
            PlacementStep changed = change(step);
            PlacedContainer container = view.Containers.Single(c => c.Id == step.Container);
            NodeName[] others = [.. container.InSync.Where(n => n != container.Primary).Order()];
            return !changed.Node.IsNone ? changed
                : !removesInSync ? changed with { Node = container.Primary }
                : others.Length > 0 ? changed with { Node = others[0] } : step;
        });

    private static PlacementRun.Planner Without(PlacementReason reason) => (view, limits) =>
    {
        PlacementPlan plan = PlacementPlanner.Plan(view, limits);
        return plan with { Steps = [.. plan.Steps.Where(s => s.Reason != reason)] };
    };

    private static PlacementPlan Changed(PlacementPlan plan, Func<PlacementStep, PlacementStep> change) =>
        plan with { Steps = [.. plan.Steps.Select(change)] };

    private static void AssertSeen(string fault, PlacementRun.Planner planner) => Assert.Contains(
        Enumerable.Range(1, 100), seed => PlacementRun.Play(seed, planner).Fault?.Contains(fault, StringComparison.Ordinal) == true);

    private static string FirstFault(PlacementRun.Planner planner)
    {
        for (int seed = 1; seed <= 100; seed++)
        {
            if (PlacementRun.Play(seed, planner).Fault is { } fault)
            {
                return fault;
            }
        }

        return "nothing was seen";
    }
}
