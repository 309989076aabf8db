using Streams.Core;
using Xunit.Abstractions;

namespace Streams.Geo.Tests;

/// <summary>Of several links that lead to a cluster one feeds a lane; which one, and when another takes its place.</summary>
public sealed class FeedTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("mesh of 4")]
    [InlineData("12 of degree 4")]
    public void A_lane_is_fed_by_one_link_however_many_lead_here(string graph)
    {
        long held = 0, copies = 0;
        for (var seed = 1; seed <= 5; seed++)
        {
            var world = new MiniWorld(graph == "mesh of 4" ? Graph(seed, 4, 3) : Graph(seed, 12, 4), seed);
            world.Mend();
            for (var round = 0; round < 20; round++)
            {
                foreach (var store in world.Stores.Values)
                {
                    store.AppendFlushed(round % 3, $"event {round} of {store.Origin}");
                    foreach (var link in world.Links)
                    {
                        link.Sender!.Refresh();
                    }

                    world.Run(40);
                }
            }

            world.Mend();
            Assert.Empty(world.Check());
            copies += world.Copies;
            held += Foreign(world);
        }

        output.WriteLine($"{graph}: {(double)copies / held:0.000} copies for each entry and cluster, {held} entries");
        Assert.InRange((double)copies / held, 1.0, 1.1);
    }

    [Fact]
    public void A_cut_feed_is_replaced_at_once_and_nothing_is_lost()
    {
        var world = new MiniWorld("ab ac bd cd", 5);
        world.Mend();
        var (byB, byC) = (world.Link("bd"), world.Link("cd"));
        for (var round = 0; round < 10; round++)
        {
            world["a"].AppendFlushed(0, $"event {round}");
            world.Mend();
        }

        var lane = world["a"].Lanes()[0].Lane;
        var feed = byB.Receiver!.EntriesReceived > byC.Receiver!.EntriesReceived ? byB : byC;
        var other = feed == byB ? byC : byB;
        var before = other.Receiver!.EntriesReceived;
        world["a"].AppendFlushed(0, "on its way when the feed is cut");
        world.Link("ab").Sender!.Refresh();
        world.Link("ac").Sender!.Refresh();
        world.RunUntil(() => other.Receiver.Announced(lane).Value == 12);
        feed.Cut();
        var now = world.Time;
        world.RunUntil(() => world["d"].Lane(lane)?.NextEntry.Value == 12);
        Assert.Equal(now, world.Time); // no patience was needed
        Assert.InRange(other.Receiver.EntriesReceived, before, before + 2);
        world.Mend();
        Assert.Empty(world.Check());
    }

    [Fact]
    public void A_feed_that_is_silent_while_another_link_announces_more_is_replaced_after_the_patience()
    {
        var world = new MiniWorld("ab ac bd cd", 6);
        world.Mend();
        world["a"].AppendFlushed(0, "first");
        world.Mend();
        var lane = world["a"].Lanes()[0].Lane;
        var feed = new[] { world.Link("bd"), world.Link("cd") }.Single(link => link.Receiver!.EntriesReceived > 0);
        feed.IsStalled = true;
        world["a"].AppendFlushed(0, "second");
        world.Links.ToList().ForEach(link => link.Sender!.Refresh());
        world.Run(2000);
        Assert.Equal(2, world["d"].Lane(lane)!.Value.NextEntry.Value);
        world.Pass(TimeSpan.FromMilliseconds(200));
        world.Pass(TimeSpan.FromMilliseconds(400)); // shorter than the patience
        world.Run(2000);
        Assert.Equal(2, world["d"].Lane(lane)!.Value.NextEntry.Value);
        world.Pass(TimeSpan.FromMilliseconds(200));
        world.Run(2000);
        Assert.Equal(3, world["d"].Lane(lane)!.Value.NextEntry.Value);
        feed.IsStalled = false;
        world.Mend();
        Assert.Empty(world.Check());
    }

    [Fact]
    public void Two_clusters_that_feed_each_other_do_not_starve()
    {
        // a's lane comes to b and c by way of the other; then only d, which is slow, brings it to b.
        var world = new MiniWorld("ab ad db bc cb ac", 9);
        world.Mend();
        world["a"].AppendFlushed(0, "first");
        world.Mend();
        var lane = world["a"].Lanes()[0].Lane;
        foreach (var name in new[] { "ab", "ac" })
        {
            world.Link(name).Cut();
            world.Link(name).IsDown = true;
        }

        for (var round = 0; round < 10; round++)
        {
            world["a"].AppendFlushed(0, $"event {round}");
            world["b"].AppendFlushed(1, $"busy {round}"); // b and c have always something else to say to each other
            world["c"].AppendFlushed(1, $"busy {round}");
            world.Mend();
            Assert.Equal(world["a"].Lane(lane)!.Value.NextEntry, world["b"].Lane(lane)!.Value.NextEntry);
            Assert.Equal(world["a"].Lane(lane)!.Value.NextEntry, world["c"].Lane(lane)!.Value.NextEntry);
        }
    }

    [Fact]
    public void A_lane_whose_feed_brings_only_other_lanes_is_taken_from_it_in_the_end()
    {
        var world = new MiniWorld("ab cb", 4);
        world.Mend();
        world["a"].AppendFlushed(0, "first");
        world.Mend();
        var lane = world["a"].Lanes()[0].Lane;
        var shared = world.Incoming("b");
        var silent = new FeedLink();
        shared.Feeds.Enter(silent);
        shared.Feeds.TakeOver(lane, silent, 2, world.Time); // a link that feeds the lane, and will never announce more of it
        world.Run(100);
        world["a"].AppendFlushed(0, "second");
        for (var ticks = 0; ticks < 18; ticks++)
        {
            world.Run(100);
            shared.Feeds.Delivered(silent, world.Time); // but always brings something
            Assert.Equal(2, world["b"].Lane(lane)!.Value.NextEntry.Value);
            world.Pass(TimeSpan.FromMilliseconds(200));
        }

        shared.Feeds.Delivered(silent, world.Time);
        world.Pass(TimeSpan.FromMilliseconds(1000));
        world.Run(1000);
        Assert.Equal(3, world["b"].Lane(lane)!.Value.NextEntry.Value);
    }

    /// <summary>The receiver has turned to another feed, but the sender has not heard of it yet: what came by way of the receiver must
    /// not go back to it (rule R12).</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_came_by_way_of_the_receiver_does_not_go_back_to_it_though_it_seems_to_want_it(bool withRule)
    {
        long offered = 0;
        for (var seed = 1; seed <= 10; seed++)
        {
            var world = new MiniWorld("ca cb ab ba", seed, withRule ? null : static (path, receiver, asked) => true);
            world.Mend();
            world["c"].AppendFlushed(0, "first");
            world.Mend();
            world.Link("cb").IsStalled = true;
            world["c"].AppendFlushed(0, "b gets it from a");
            Wait(world);
            Assert.Equal(3, world["b"].Lanes()[0].NextEntry.Value);
            (world.Link("cb").IsStalled, world.Link("ca").IsStalled, world.Link("ab").IsStalled) = (false, true, true);
            world["c"].AppendFlushed(0, "a gets it from b, and does not know that b has turned away");
            Wait(world);
            Wait(world);
            Assert.Equal(4, world["a"].Lanes()[0].NextEntry.Value);
            (world.Link("ca").IsStalled, world.Link("ab").IsStalled) = (false, false);
            world.Mend();
            offered += world.OfferedOnPath;
        }

        Assert.Equal(withRule, offered == 0);
    }

    private static void Wait(MiniWorld world)
    {
        for (var i = 0; i < 5; i++)
        {
            world.Run(200);
            world.Pass(TimeSpan.FromMilliseconds(200));
        }

        world.Run(500);
    }

    private static long Foreign(MiniWorld world)
        => world.Stores.Values.Sum(s => s.Lanes().Where(l => l.Lane.Origin != s.Origin).Sum(l => l.NextEntry.Value));

    /// <summary>Links both ways, about so many out of each cluster; a ring holds all together.</summary>
    private static string Graph(int seed, int count, int degree)
    {
        var chance = new Random(seed);
        HashSet<string> links = [];
        for (var i = 0; i < count; i++)
        {
            for (var other = (i + 1) % count; links.Count(l => l[0] == 'a' + i) < degree; other = chance.Next(count))
            {
                if (other != i)
                {
                    links.Add($"{(char)('a' + i)}{(char)('a' + other)}");
                    links.Add($"{(char)('a' + other)}{(char)('a' + i)}");
                }
            }
        }

        return string.Join(' ', links);
    }
}
