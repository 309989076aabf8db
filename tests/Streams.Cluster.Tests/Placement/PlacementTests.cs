using Streams.Core;
using Streams.Storage;

namespace Streams.Cluster.Tests.Placement;

public sealed class PlacementTests
{
    private static readonly PlacementLimits Limits = new();

    [Fact]
    public void A_short_absence_moves_nothing_and_a_long_one_makes_replicas_anew()
    {
        PlacementView view = View(Nodes(4), Container(1, "n0 n1 n2", inSync: "n0 n1"));
        Assert.Empty(Plan(Away(view, "n2", Limits.GoneAfter)).Steps);
        Assert.Equal(["AddReplica c1 n3 (TooFew)"], Steps(Away(view, "n2", Limits.GoneAfter + TimeSpan.FromTicks(1))));
    }

    [Fact]
    public void A_node_that_nobody_knows_any_more_is_gone()
    {
        PlacementView view = View(Nodes(3), Container(1, "n0 n1 old", inSync: "n0 n1"));
        Assert.Equal(["AddReplica c1 n2 (TooFew)"], Steps(view));
    }

    [Fact]
    public void The_lost_replica_is_given_up_only_when_the_new_one_is_in_sync()
    {
        PlacementView copying = Away(View(Nodes(4), Container(1, "n0 n1 n2 n3", inSync: "n0 n1")), "n2", TimeSpan.FromHours(1));
        Assert.Empty(Plan(copying).Steps);
        PlacementView done = copying with { Containers = [Container(1, "n0 n1 n2 n3", inSync: "n0 n1 n3")] };
        Assert.Equal(["RemoveReplica c1 n2 (Surplus)"], Steps(done));
    }

    [Fact]
    public void When_the_lost_node_comes_back_the_replica_on_the_fullest_node_is_the_one_too_many()
    {
        PlacedNode[] nodes = Nodes(4);
        nodes[3] = nodes[3] with { OtherBytes = 300 };
        PlacementView view = View(nodes, Container(1, "n0 n1 n2 n3", inSync: "n0 n1 n2"));
        Assert.Equal(["RemoveReplica c1 n3 (Surplus)"], Steps(view));
        nodes[0] = nodes[0] with { OtherBytes = 400 };
        Assert.Empty(Steps(view with { Nodes = nodes }));
        PlacementView all = View(nodes, Container(1, "n0 n1 n2 n3", inSync: "n0 n1 n2 n3"));
        Assert.Equal(["MovePrimary c1 n1 (Surplus)"], Steps(all));
    }

    [Fact]
    public void A_drain_adds_then_moves_the_primary_then_removes()
    {
        PlacedNode[] nodes = Nodes(4);
        nodes[0] = nodes[0] with { Draining = true };
        Assert.Equal(["AddReplica c1 n3 (Drain)"], Steps(View(nodes, Container(1, "n0 n1 n2"))));
        Assert.Equal(["MovePrimary c1 n1 (Drain)"], Steps(View(nodes, Container(1, "n0 n1 n2 n3", inSync: "n0 n1 n2"))));
        Assert.Equal(["MovePrimary c1 n1 (Surplus)"], Steps(View(nodes, Container(1, "n0 n1 n2 n3"))));
        Assert.Equal(["RemoveReplica c1 n0 (Surplus)"], Steps(View(nodes, Container(1, "n1 n0 n2 n3"))));
        PlacementPlan done = Plan(View(nodes, Container(1, "n1 n2 n3")));
        Assert.Empty(done.Steps);
        Assert.Equal([Name("n0")], done.Drained);
    }

    [Fact]
    public void A_node_that_cannot_be_drained_is_told_and_gives_its_primaries_away()
    {
        PlacedNode[] nodes = Nodes(3);
        nodes[0] = nodes[0] with { Draining = true };
        PlacementPlan plan = Plan(View(nodes, Container(1, "n0 n1 n2")));
        Assert.Equal(["MovePrimary c1 n1 (Drain)"], plan.Steps.Select(s => s.ToString()));
        Assert.Equal([new PlacementTrouble(PlacementTroubleKind.CannotLeave, new ContainerId(1), Name("n0"))], plan.Troubles);
        Assert.Empty(plan.Drained);
    }

    [Fact]
    public void Replicas_go_to_the_zone_that_has_none_though_its_nodes_are_fuller()
    {
        PlacedNode[] nodes = [Node("n0", "a"), Node("n1", "a"), Node("n2", "b"), Node("n3", "c", other: 500)];
        Assert.Equal(["AddReplica c1 n3 (Zones)"], Steps(View(nodes, Container(1, "n0 n1 n2"))));
        Assert.Equal(["AddReplica c1 n3 (TooFew)"], Steps(View(nodes, Container(1, "n0 n2", wanted: 3))));
        nodes[3] = nodes[3] with { OtherBytes = 850 };
        Assert.Empty(Steps(View(nodes, Container(1, "n0 n1 n2"))));
    }

    [Fact]
    public void No_node_is_planned_beyond_its_limit_and_want_of_room_is_told()
    {
        PlacedNode[] nodes = [Node("n0"), Node("n1"), Node("n2", other: 841)];
        PlacementPlan plan = Plan(View(nodes, Container(1, "n0 n1", wanted: 3)));
        Assert.Empty(plan.Steps);
        Assert.Equal(PlacementTroubleKind.NoRoomForReplica, Assert.Single(plan.Troubles).Kind);
        nodes[2] = nodes[2] with { OtherBytes = 840 };
        Assert.Equal(["AddReplica c1 n2 (TooFew)"], Steps(View(nodes, Container(1, "n0 n1", wanted: 3))));
    }

    [Fact]
    public void A_node_above_its_limit_is_relieved_of_the_smallest_container_that_is_enough()
    {
        PlacedNode[] nodes = [Node("n0", other: 780), Node("n1", other: 780)];
        PlacedContainer[] containers = [Container(1, "n0", bytes: 10), Container(2, "n0", bytes: 30), Container(3, "n0", bytes: 50)];
        Assert.Equal(["AddReplica c2 n1 (Relief)"], Steps(View(nodes, containers)));
    }

    [Fact]
    public void A_node_that_is_added_is_filled_until_it_is_within_the_slack()
    {
        PlacedNode[] nodes = Nodes(4);
        List<PlacedContainer> containers = [];
        for (uint c = 0; c < 60; c++)
        {
            string[] on = [$"n{c % 3}", $"n{(c + 1) % 3}"];
            containers.Add(Container(c, string.Join(' ', on), bytes: 15));
        }

        (PlacementView end, int steps) = ToRest(View(nodes, [.. containers]));
        long[] used = [.. end.Nodes.Select(n => end.Containers.Where(c => c.Replicas.Contains(n.Name)).Sum(c => c.Bytes))];
        int[] primaries = [.. end.Nodes.Select(n => end.Containers.Count(c => c.Primary == n.Name))];
        Assert.InRange(used.Max() - used.Min(), 0, 50 + 15);
        Assert.InRange(primaries.Max() - primaries.Min(), 0, 2);
        Assert.InRange(steps, 60, 150);
        Assert.Equal(1800, used.Sum());
    }

    [Fact]
    public void A_node_that_never_catches_up_takes_no_more_slots_than_its_own()
    {
        PlacedNode[] nodes = Nodes(6);
        PlacedContainer[] lagging = [.. Enumerable.Range(0, 50).Select(i => Container((uint)i, "n0 n1 n2", inSync: "n0 n1", bytes: 1))];
        PlacementView view = Away(View(nodes, [.. lagging, Container(99, "n3 n4 n5", inSync: "n3 n4")]), "n5", TimeSpan.FromHours(1));
        Assert.Contains(Steps(view), s => s.StartsWith("AddReplica c99", StringComparison.Ordinal));
    }

    [Fact]
    public void What_has_no_live_replica_is_told_and_left_alone()
    {
        PlacementPlan plan = Plan(Away(View(Nodes(3), Container(1, "n0 n1", inSync: "n0")), "n0", TimeSpan.FromHours(1)));
        Assert.Empty(plan.Steps);
        Assert.Equal([new PlacementTrouble(PlacementTroubleKind.NoCopyUp, new ContainerId(1), default)], plan.Troubles);
    }

    [Fact]
    public void The_next_partitionlet_goes_to_new_containers_until_there_are_enough_and_then_to_the_least_loaded()
    {
        PlacementLimits limits = Limits with { OpenContainersPerNode = 1, ContainerBytes = 1 << 20 };
        PlacedNode[] nodes = [Node("n0", "a"), Node("n1", "a"), Node("n2", "b")];
        PlacedContainer first = Container(1, "n0 n2") with { Load = 5 };
        Assert.Equal([Name("n1"), Name("n2")], PlacementPlanner.NextContainer(View(nodes, first), limits, 2, 10).Nodes);
        PlacementView three = View(nodes, first, Container(2, "n1 n2") with { Load = 2 }, Container(3, "n1 n2") with { Load = 1 });
        Assert.Equal(new ContainerId(3), PlacementPlanner.NextContainer(three, limits, 2, 10).Container);
        Assert.Equal([Name("n0"), Name("n1"), Name("n2")], PlacementPlanner.NextContainer(three, limits, 3, 10).Nodes.Order());
        PlacementView hurt = Away(three, "n0", TimeSpan.FromMinutes(1));
        Assert.Equal(new ContainerId(3), PlacementPlanner.NextContainer(hurt, limits, 2, 10).Container);
        Assert.True(PlacementPlanner.NextContainer(three, limits, 2, 900).IsNowhere);
    }

    [Fact]
    public void A_view_that_contradicts_itself_and_limits_out_of_range_are_refused_with_every_fault()
    {
        PlacementView view = View([Node("n0"), Node("n0")], Container(1, "n0 n1") with { Primary = Name("n7"), InSync = [Name("n8")] });
        string message = Assert.Throws<InvalidRequestException>(() => PlacementPlanner.Plan(view, Limits)).Message;
        Assert.Contains("node n0: is listed twice", message);
        Assert.Contains("primary n7 is none of its replicas", message);
        Assert.Contains("in sync is what is no replica", message);
        PlacementLimits bad = new() { FillLimit = 1.5, Copies = 0 };
        message = Assert.Throws<ConfigurationException>(() => PlacementPlanner.Plan(View(Nodes(1)), bad)).Message;
        Assert.Contains("fill limit 1.5", message);
        Assert.Contains("copies 0", message);
    }

    private static (PlacementView View, int Steps) ToRest(PlacementView view)
    {
        for (int steps = 0; ;)
        {
            PlacementPlan plan = Plan(view);
            if (plan.Steps.Count == 0)
            {
                return (view, steps);
            }

            steps += plan.Steps.Count;
            Dictionary<ContainerId, PlacementStep> byContainer = plan.Steps.ToDictionary(s => s.Container);
            view = view with
            {
                Containers = [.. view.Containers.Select(c => byContainer.TryGetValue(c.Id, out PlacementStep s) ? Done(c, s) : c)],
            };
        }
    }

    private static PlacedContainer Done(PlacedContainer container, PlacementStep step) => step.Action switch
    {
        PlacementAction.AddReplica => container with
        {
            Replicas = [.. container.Replicas, step.Node], InSync = [.. container.InSync, step.Node],
        },
        PlacementAction.MovePrimary => container with { Primary = step.Node },
        _ => container with
        {
            Replicas = [.. container.Replicas.Where(n => n != step.Node)], InSync = [.. container.InSync.Where(n => n != step.Node)],
        },
    };

    private static PlacementPlan Plan(PlacementView view) => PlacementPlanner.Plan(view, Limits);

    private static string[] Steps(PlacementView view) => [.. Plan(view).Steps.Select(s => s.ToString())];

    private static NodeName Name(string text) => NodeName.Parse(text);

    private static PlacedNode Node(string name, string zone = "", long other = 0) =>
        new() { Name = Name(name), Zone = zone, CapacityBytes = 1000, OtherBytes = other };

    private static PlacedNode[] Nodes(int count) => [.. Enumerable.Range(0, count).Select(i => Node($"n{i}"))];

    private static PlacedContainer Container(uint id, string replicas, string? inSync = null, int? wanted = null, long bytes = 10)
    {
        NodeName[] on = [.. replicas.Split(' ').Select(Name)];
        return new PlacedContainer
        {
            Id = new ContainerId(id), Bytes = bytes, Wanted = wanted ?? Math.Min(3, on.Length), Primary = on[0], Replicas = on,
            InSync = inSync is null ? on : [.. inSync.Split(' ').Select(Name)],
        };
    }

    private static PlacementView View(PlacedNode[] nodes, params PlacedContainer[] containers) =>
        new() { Nodes = nodes, Containers = containers };

    private static PlacementView Away(PlacementView view, string name, TimeSpan time) =>
        view with { Nodes = [.. view.Nodes.Select(n => n.Name.Value == name ? n with { AwayFor = time } : n)] };
}
