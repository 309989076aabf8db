using Streams.Core;
using Streams.Geo;
using Xunit.Abstractions;

namespace Streams.Simulation;

/// <summary>Small worlds of the kind that is played with thousands of clusters by hand: what must hold there is held to here.</summary>
public class ScaleTests(ITestOutputHelper output)
{
    [Fact]
    public void Sixty_clusters_send_an_event_about_once_to_each()
    {
        ScaleFigures figures = Play(new ScaleOptions { WriteSeconds = 5 });
        Assert.InRange(figures.Copies, 1.0, 1.2);
        Assert.Equal(300, figures.Events);
    }

    [Fact]
    public void Sixty_clusters_agree_while_a_fifth_of_the_links_flaps_and_devices_move()
    {
        ScaleFigures figures = Play(new ScaleOptions { WriteSeconds = 10, Flapping = 0.2, Movers = 20, Seed = 2 });
        Assert.InRange(figures.Copies, 1.0, 1.6);
        Assert.True(figures.Cuts > 10, $"only {figures.Cuts} cuts: the play tests nothing");
        Assert.True(figures.Moves >= 40, $"only {figures.Moves} moves: the play tests nothing");
    }

    [Theory]
    [InlineData(nameof(Shape.Rings))]
    [InlineData(nameof(Shape.Trees))]
    [InlineData(nameof(Shape.SmallWorld))]
    public void Thirty_clusters_agree_in_every_topology(string topology)
    {
        ScaleFigures figures = Play(Small with { Topology = Enum.Parse<Shape>(topology) });
        Assert.InRange(figures.Copies, 1.0, 1.2);
    }

    [Fact]
    public void The_same_seed_gives_the_same_table_and_another_seed_another_one()
    {
        ScaleOptions options = Small with { Flapping = 0.2, Movers = 5 };
        string once = Play(options).Table;
        Assert.Equal(once, Play(options).Table);
        Assert.NotEqual(once, Play(options with { Seed = 5 }).Table);
    }

    [Fact]
    public void I5_a_rule_of_offering_that_ignores_paths_is_noticed()
    {
        // A receiver asks one link for a lane, so it takes a change of that link at the wrong moment for an entry to come back.
        ScaleOptions options = Small with { Degree = 4, Flapping = 0.9, EventsPerCluster = 20 };
        for (int seed = 8; seed <= 30; seed++)
        {
            ScaleWorld world = new(options with { Seed = seed }, output.WriteLine) { Rule = static (_, _, _) => true };
            world.Play();
            if (world.Violations.Any(static v => v.Contains("invariant 5", StringComparison.Ordinal)))
            {
                output.WriteLine($"seed {seed}: {world.Wire.OfferedOnPath} of {world.Wire.EntriesSent}");
                return;
            }
        }

        Assert.Fail("no entry came back to a cluster on its path");
    }

    [Fact]
    public void I5_an_entry_sent_to_a_cluster_on_its_path_is_counted_by_whether_that_had_asked()
    {
        ScaleWorld world = new(Small, output.WriteLine);
        Origin origin = new(ClusterName.Parse("c1"), new Incarnation(1));
        Origin receiver = new(ClusterName.Parse("c2"), new Incarnation(1));
        int[] heads = [];
        world.Ledger.Grew(new LaneId(ScaleWorld.Partition, origin), 1, new EntryNumber(9), ref heads);
        PathWatch watch = new(world.Wire);
        watch.Sent(new LanesFrame(1, 0, [ScaleWorld.Partition.Stream], [origin], [default], true), receiver, world.Ledger);
        watch.Came(new AskFrame(0, EntryNumber.Zero, new EntryNumber(2)), world.Clusters[0]);
        watch.Sent(new EntryFrame(0, Entry(ReplicationPath.StartingAt(origin), 5)), receiver, world.Ledger);
        Assert.Equal((0, 0), (world.Wire.AskedOnPath, world.Wire.OfferedOnPath));
        watch.Sent(new EntryFrame(0, Entry(ReplicationPath.StartingAt(origin).Append(receiver), 1)), receiver, world.Ledger);
        Assert.Equal((1, 0), (world.Wire.AskedOnPath, world.Wire.OfferedOnPath));
        watch.Sent(new EntryFrame(0, Entry(ReplicationPath.StartingAt(origin).Append(receiver), 2)), receiver, world.Ledger);
        Assert.Equal((1, 1), (world.Wire.AskedOnPath, world.Wire.OfferedOnPath));
    }

    [Fact]
    public void A_store_that_loses_an_entry_is_noticed()
    {
        ScaleWorld world = new(Small with { PatienceSeconds = 10 }, output.WriteLine)
        {
            Loses = static (cluster, lane, entry) => cluster == 3 && lane.Origin.Cluster.Value == "c7" && entry.Number.Value >= 3,
        };
        world.Play();
        Assert.Contains(world.Violations, static v => v.Contains("c3 has entries", StringComparison.Ordinal));
    }

    [Fact]
    public void A_store_that_changes_an_entry_is_noticed()
    {
        ScaleWorld world = new(Small, output.WriteLine);
        LaneId lane = new(ScaleWorld.Partition, new Origin(ClusterName.Parse("c1"), new Incarnation(1)));
        ReplicationPath path = ReplicationPath.StartingAt(lane.Origin);
        LaneEntry written = Entry(path, 0, 1, 2, 3);
        int[] heads = [];
        world.Ledger.Grew(lane, 1, new EntryNumber(1), ref heads);
        _ = world.Ledger.Same(lane, written, out string? fault);
        Assert.Null(fault);
        _ = world.Ledger.Same(lane, Entry(path, 0, 1, 2, 4), out fault);
        Assert.Contains("differs", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(Shape.Random), 2)]
    [InlineData(nameof(Shape.Random), 8)]
    [InlineData(nameof(Shape.Random), 64)]
    [InlineData(nameof(Shape.Rings), 4)]
    [InlineData(nameof(Shape.Trees), 4)]
    [InlineData(nameof(Shape.SmallWorld), 8)]
    public void All_clusters_of_a_graph_reach_each_other_and_no_link_is_there_twice(string topology, int degree)
    {
        ScaleOptions options = new() { Clusters = 200, Topology = Enum.Parse<Shape>(topology), Degree = degree };
        Graph graph = Graph.Of(options, new Random(3));
        (int hops, int milliseconds) = graph.Diameter();
        Assert.True(hops > 0 && milliseconds >= hops * Graph.ShortestMilliseconds, $"{hops} hops, {milliseconds} ms");
        Assert.Equal(graph.Edges.Count, graph.Edges.DistinctBy(e => (e.A, e.B)).Count());
        if (options.Topology == Shape.Random)
        {
            Assert.InRange(graph.Edges.Count, (100 * degree) - (2 * degree), 100 * degree);
        }
    }

    private static ScaleOptions Small => new() { Clusters = 30, Degree = 6, WriteSeconds = 5, Seed = 4 };

    private static LaneEntry Entry(ReplicationPath path, int number, params byte[] body) => new()
    {
        Number = new EntryNumber(number),
        Kind = EntryKind.Topics,
        BaseOffset = default,
        EventCount = 0,
        AppendedAt = 1,
        Path = path,
        Body = body,
    };

    private ScaleFigures Play(ScaleOptions options)
    {
        ScaleWorld world = new(options, output.WriteLine);
        ScaleFigures figures = world.Play();
        output.WriteLine(figures.Table);
        Assert.Empty(world.Violations);
        return figures;
    }
}
