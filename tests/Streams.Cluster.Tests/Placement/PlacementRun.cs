namespace Streams.Cluster.Tests.Placement;

/// <summary>One world from its beginning to its rest, judged after each plan.</summary>
internal static class PlacementRun
{
    public delegate PlacementPlan Planner(PlacementView view, PlacementLimits limits);

    /// <summary>What went wrong, or <see langword="null"/>; and in how many steps the world came to rest.</summary>
    public static (string? Fault, int Steps) Play(int seed, Planner planner, int events = 25)
    {
        PlacementWorld world = new(seed);
        for (int i = 0; i < events; i++)
        {
            world.Happen();
            if (Round(world, planner, calm: false, out _) is { } fault)
            {
                return ($"seed {seed}, event {i}: {fault}", 0);
            }
        }

        world.Calm();
        HashSet<string> seen = [world.Signature()];
        int replicas = world.Containers.Sum(c => c.Wanted + c.Replicas.Count);
        int steps = 0;
        for (int round = 0; ; round++)
        {
            string before = world.Signature();
            string? fault = Round(world, planner, calm: true, out PlacementPlan plan);
            steps += plan.Steps.Count;
            string after = world.Signature();
            fault ??= after != before && !seen.Add(after) ? "comes back to where it was" : null;
            fault ??= steps > 20 * (replicas + 10) || round > 100 * (replicas + 10) ? $"does not come to rest: {steps} steps" : null;
            if (fault is null && plan.Steps.Count == 0 && !world.IsCopying && after == before && Settles(world))
            {
                PlacementView view = world.View();
                fault = new PlacementChecker(view, world.Limits).FaultAtRest(planner(view, world.Limits));
                return (fault is null ? null : $"seed {seed}, at rest: {fault}", steps);
            }

            if (fault is not null)
            {
                return ($"seed {seed}, calm, round {round}: {fault}", steps);
            }
        }
    }

    // An election that is still to come is not waited for by the planner, but by the run.
    private static bool Settles(PlacementWorld world) =>
        !world.Containers.Exists(c => !world.IsUp(c.Primary) && c.InSync.Exists(world.IsUp));

    private static string? Round(PlacementWorld world, Planner planner, bool calm, out PlacementPlan plan)
    {
        PlacementView view = world.View();
        plan = planner(view, world.Limits);
        if (world.Sometimes(3) && !plan.Steps.SequenceEqual(planner(world.View(), world.Limits).Steps))
        {
            return "the order of what came in makes a difference";
        }

        if (new PlacementChecker(view, world.Limits).FaultOf(plan) is { } fault)
        {
            return fault;
        }

        (int replicas, int bytes) = (1 + (view.Containers.Count % 4), view.Nodes.Count * 7);
        NextPartitionlet next = PlacementPlanner.NextContainer(view, world.Limits, replicas, bytes);
        if (new PlacementChecker(view, world.Limits).FaultOf(next, replicas, bytes) is { } misplaced)
        {
            return $"{replicas} replicas, {bytes} bytes: {misplaced}";
        }

        NextPartitionlet again = PlacementPlanner.NextContainer(world.View(), world.Limits, replicas, bytes);
        if (next.Container != again.Container || !next.Nodes.SequenceEqual(again.Nodes))
        {
            return "the order of what came in makes a difference to where the next partitionlet goes";
        }

        foreach (PlacementStep step in world.Shuffled(plan.Steps.ToArray()))
        {
            if (calm || !world.Sometimes(6))
            {
                world.Apply(step);
            }
        }

        world.Copy(mayFail: !calm);
        return null;
    }
}
