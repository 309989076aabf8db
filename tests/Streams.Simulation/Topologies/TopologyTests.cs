using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Simulation;

/// <summary>Up to eight clusters in one process: whatever the topology and whatever is cut, every event stands exactly once in every
/// cluster it can
/// reach, at the same offset; cursors converge; nothing returns to a cluster on its path.</summary>
public class TopologyTests(ITestOutputHelper output)
{
    [Fact]
    public Task A_ring_agrees_after_cuts_and_restarts() => PlayAsync(_ => Topology.Ring(5));

    [Fact]
    public Task A_chain_agrees_after_cuts_and_restarts() => PlayAsync(_ => Topology.Chain(4));

    [Fact]
    public Task A_star_agrees_after_cuts_and_restarts() => PlayAsync(_ => Topology.Star(6));

    [Fact]
    public Task A_diamond_agrees_after_cuts_and_restarts() => PlayAsync(_ => Topology.Diamond());

    [Fact]
    public Task A_random_graph_agrees_after_cuts_and_restarts() => PlayAsync(chance => Topology.Random(8, chance));

    private async Task PlayAsync(Func<Random, Topology> make)
    {
        SeededRandom seeds = Seeds.Next();
        Topology topology = make(seeds);
        int seed = seeds.Next();
        output.WriteLine($"{seeds}: {topology.Name}, seed {seed}");
        await using TopologyWorld world = new(topology, seed);
        await world.PlayAsync(steps: 300);
        await world.ConvergeAsync();
        await world.JudgeAsync();
        Assert.True(world.Events > 500, $"only {world.Events} events were written: the play tests nothing");
        output.WriteLine($"{topology.Name}: {world.Events} events, {world.CopiesPerEntry:F2} copies offered for each one taken");
    }
}
