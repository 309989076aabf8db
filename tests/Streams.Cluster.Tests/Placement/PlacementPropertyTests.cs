using System.Diagnostics;
using Streams.Storage;
using Xunit.Abstractions;

namespace Streams.Cluster.Tests.Placement;

public sealed class PlacementPropertyTests(ITestOutputHelper output)
{
    // So many in each of STREAMS_ROUNDS, from STREAMS_SEED on.
    private const int Worlds = 500;

    [Fact]
    public void In_worlds_by_chance_each_plan_keeps_the_promises_and_the_world_comes_to_a_rest_that_is_right()
    {
        int first = int.Parse(Environment.GetEnvironmentVariable("STREAMS_SEED") ?? "1");
        int worlds = Worlds * int.Parse(Environment.GetEnvironmentVariable("STREAMS_ROUNDS") ?? "1");
        List<string> faults = [];
        int most = 0;
        long steps = 0;
        for (int seed = first; seed < first + worlds && faults.Count < 5; seed++)
        {
            (string? fault, int count) = PlacementRun.Play(seed, PlacementPlanner.Plan);
            most = Math.Max(most, count);
            steps += count;
            if (fault is not null)
            {
                faults.Add(fault);
            }
        }

        output.WriteLine($"{worlds} worlds from seed {first}: {steps} steps to their rest, at most {most} in one");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True(steps > 0);
    }

    [Fact]
    public void A_thousand_nodes_and_a_hundred_thousand_containers_are_planned_and_the_time_is_told()
    {
        PlacementView rest = Large();
        PlacementView oneGone = rest with
        {
            Nodes = [.. rest.Nodes.Select((n, i) => i == 17 ? n with { AwayFor = TimeSpan.FromHours(1) } : n)],
        };
        PlacementView ten = rest with
        {
            Nodes = [.. rest.Nodes, .. Enumerable.Range(0, 10).Select(i => rest.Nodes[i] with { Name = NodeName.Parse($"new{i}") })],
        };
        Assert.Empty(Time("at rest", rest).Steps);
        PlacementPlan gone = Time("one node gone", oneGone);
        Assert.Equal(new PlacementLimits().Copies, gone.Steps.Count(s => s.Action == PlacementAction.AddReplica));
        PlacementPlan added = Time("ten nodes added", ten);
        Assert.Equal(20, added.Steps.Count(s => s.Reason == PlacementReason.Bytes));
        Stopwatch watch = Stopwatch.StartNew();
        NextPartitionlet next = PlacementPlanner.NextContainer(rest, new PlacementLimits(), 3, 4);
        output.WriteLine($"next container: {watch.Elapsed.TotalMilliseconds:F0} ms");
        Assert.False(next.IsNowhere);
    }

    private PlacementPlan Time(string what, PlacementView view)
    {
        Stopwatch watch = Stopwatch.StartNew();
        PlacementPlan plan = PlacementPlanner.Plan(view, new PlacementLimits());
        output.WriteLine($"{what}: {plan.Steps.Count} steps in {watch.Elapsed.TotalMilliseconds:F0} ms");
        return plan;
    }

    // 300 replicas of 10 on each node of 6000 bytes, in ten zones, with primaries spread alike.
    private static PlacementView Large()
    {
        PlacedNode[] nodes = [.. Enumerable.Range(0, 1000)
            .Select(i => new PlacedNode { Name = NodeName.Parse($"n{i}"), Zone = $"z{i % 10}", CapacityBytes = 6000 })];
        PlacedContainer[] containers = new PlacedContainer[100_000];
        for (int c = 0; c < containers.Length; c++)
        {
            int shift = c / 1000;
            NodeName[] on = [nodes[c % 1000].Name, nodes[(c + 1 + (shift % 7)) % 1000].Name, nodes[(c + 9 + (shift * 10)) % 1000].Name];
            containers[c] = new PlacedContainer
            {
                Id = new ContainerId((uint)c), Bytes = 10, Load = 1, Wanted = 3, Primary = on[0], Replicas = on, InSync = on,
            };
        }

        return new PlacementView { Nodes = nodes, Containers = containers };
    }
}
