using Xunit.Abstractions;

namespace Streams.Geo.Tests;

public sealed class MiniWorldTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> Worlds => new()
    {
        { "ab", "crash wipe damage trim loss" },
        { "ab ba", "crash wipe damage loss" },
        { "ab bc cd de", "crash wipe trim loss" },
        { "ab bc cd de ef fa", "crash wipe damage loss" },
        { "ab ac ad ae ba ca da ea", "crash wipe loss" },
        { "ab ac bd cd da", "crash wipe damage trim loss" },
        { "ab ba bc cb ca ac", "crash wipe trim loss" },
        { "random", "crash wipe damage trim loss" },
    };

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Every_entry_and_all_state_reach_every_cluster(string topology, string faults)
    {
        long copies = 0, entries = 0, asked = 0, repeated = 0, lost = 0, resumed = 0, begun = 0, spared = 0, stateSpared = 0;
        for (var seed = 1; seed <= 40; seed++)
        {
            var world = new MiniWorld(topology == "random" ? RandomTopology(seed) : topology, seed);
            world.Play(2500, faults);
            world.Mend();
            var wrong = world.Check();
            Assert.True(wrong.Count == 0,
                $"{topology} seed {seed}:\n{string.Join('\n', wrong.Take(8))}\n{string.Join('\n', world.Log.TakeLast(5))}");
            copies += world.Copies;
            asked += world.AskedOnPath;
            repeated += world.Repeated;
            lost += world.Lost;
            resumed += world.Resumed;
            begun += world.Begun;
            spared += world.LanesSpared;
            stateSpared += world.StateItemsSpared;
            entries += world.Stores.Values.Sum(s => s.Lanes().Where(l => l.Lane.Origin.Cluster != s.Origin.Cluster).Sum(l =>
                l.NextEntry.Value));
        }

        Assert.True(copies > 1000);
        Assert.True(resumed > 50 && begun > 50 && spared > 100 && stateSpared > 10,
            $"{resumed} sessions went on, {begun} began, {spared} lanes and {stateSpared} items spared");
        output.WriteLine($"{topology} ({faults}): {copies} copies for {entries} foreign entries held, "
            + $"{(double)copies / entries:0.00} each; {asked} asked though on the path; {repeated} repeated, {lost} lost on the way; "
            + $"{resumed} sessions went on with a list, {begun} began one, {spared} lanes and "
            + $"{stateSpared} pieces of state were not sent again");
    }

    [Fact]
    public void Without_faults_a_chain_carries_each_entry_once()
    {
        var world = new MiniWorld("ab bc cd", 7);
        world.Mend();
        foreach (var store in world.Stores.Values)
        {
            for (var i = 0; i < 20; i++)
            {
                store.AppendFlushed(0, $"event {i} of {store.Origin}");
            }
        }

        world.Mend();
        Assert.Empty(world.Check());
        var held = world.Stores.Values.Sum(s => s.Lanes().Where(l => l.Lane.Origin != s.Origin).Sum(l => l.NextEntry.Value));
        Assert.Equal(held, world.Copies);
    }

    [Theory]
    [InlineData("ab bc cd de ea", 1.0)]
    [InlineData("ab ba bc cb cd dc", 1.0)]
    [InlineData("ab ac bd cd", 2.0)]
    [InlineData("ab ba ac ca ad da bc cb bd db cd dc", 3.0)]
    public void Without_faults_no_cluster_gets_an_entry_more_often_than_links_lead_to_it(string topology, double most)
    {
        var world = new MiniWorld(topology, 3);
        world.Mend();
        for (var round = 0; round < 30; round++)
        {
            foreach (var store in world.Stores.Values)
            {
                store.AppendFlushed(0, $"event {round} of {store.Origin}");
            }

            world.Mend();
        }

        Assert.Empty(world.Check());
        var held = world.Stores.Values.Sum(s => s.Lanes().Where(l => l.Lane.Origin != s.Origin).Sum(l => l.NextEntry.Value));
        var copies = (double)world.Copies / held;
        output.WriteLine($"{topology}: {copies:0.00} copies for each entry and cluster");
        Assert.InRange(copies, 1.0, most);
    }

    [Fact]
    public void The_checker_sees_a_path_rule_that_goes_by_name()
        => Assert.True(SomeSeedFails("ab bc ca", "wipe", feedPatienceMs: 1_000_000, rule: (path, receiver, asked) =>
            asked || path.Hops.ToArray().All(hop => hop.Cluster != receiver.Cluster)));

    [Fact]
    public void The_checker_sees_a_sender_that_does_not_give_what_is_asked()
        => Assert.True(SomeSeedFails("ab ba cb", "wipe damage", rule: (path, receiver, asked) => !path.Contains(receiver)));

    private static bool SomeSeedFails(string topology, string faults, OfferRule rule, int feedPatienceMs = 500)
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            var world = new MiniWorld(topology, seed, rule, feedPatienceMs);
            world.Play(1500, faults);
            if (!world.TryMend() || world.Check().Count > 0)
            {
                return true;
            }
        }

        return false;
    }

    private static string RandomTopology(int seed)
    {
        var chance = new Random(seed * 7919);
        var count = 2 + chance.Next(7);
        var names = "abcdefgh"[..count];
        HashSet<string> links = [];
        for (var i = 1; i < count; i++)
        {
            var other = names[chance.Next(i)];
            links.Add(chance.Next(2) == 0 ? $"{names[i]}{other}" : $"{other}{names[i]}");
        }

        for (var i = 0; i < count; i++)
        {
            var (from, to) = (names[chance.Next(count)], names[chance.Next(count)]);
            if (from != to)
            {
                links.Add($"{from}{to}");
            }
        }

        return string.Join(' ', links);
    }
}
