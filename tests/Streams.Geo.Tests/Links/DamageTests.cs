using Streams.Core;
using Streams.Testing;

namespace Streams.Geo.Tests;

/// <summary>What is damaged at one end of a link is got back from the other, whichever way the link goes; and it holds up no other
/// lane.</summary>
public class DamageTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Damaged_entries_are_got_back_over_a_link_of_either_direction(bool atSender)
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(300, bytes: 3000);
        await a.ReachesAsync(b);
        LaneId lane = a.Store.Lanes().Single().Lane;
        GeoCluster damaged = atSender ? a : b;
        for (int entry = 20; entry < 280; entry++)
        {
            damaged.Store.Damage(lane, entry);           // more than fits one answer
        }

        await Eventually.TrueAsync(() => damaged.Store.Damaged().Count == 0, "all is got back",
            seen: () => string.Join(", ", damaged.Store.Damaged()) + a.Logs.Text + b.Logs.Text);
        a.Write(10);
        await a.ReachesAsync(b);
        Assert.Empty(a.Store.Forks.Concat(b.Store.Forks));
        Assert.Contains("which are damaged here", damaged.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lane_that_is_damaged_where_it_is_read_stands_still_alone_and_says_so()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = new GeoCluster("a");
        a.Write(50);
        a.Write(50, partition: 1);
        LaneId lane = a.Store.Lanes().Single(l => l.Lane.Partition.Partition.Value == 0).Lane;
        a.Store.Damage(lane, 30);
        await a.StartAsync(GeoCluster.Target("b", b.Port));
        await Eventually.TrueAsync(() => b.Store.Lanes().Any(l => l.Lane.Partition.Partition.Value == 1 && l.NextEntry.Value == 51),
            "the other lane comes whole");
        await Eventually.TrueAsync(() => b.Store.Lane(lane)?.NextEntry.Value == 30, "this one as far as it can be read");
        await Eventually.TrueAsync(() => a.Logs.Text.Contains("stands still at entry 30", StringComparison.Ordinal), "it is said");
        Assert.Equal(0, a.Outgoing.Reconnects);
    }

    [Fact]
    public async Task What_the_origin_lost_and_no_neighbour_has_is_left_out_and_comes_when_somebody_who_has_it_links()
    {
        GeoCluster c = new("c");
        await using var cOwner = c;
        await using var a = Quick(new GeoCluster("a"));
        a.Write(50);
        LaneId lane = a.Store.Lanes().Single().Lane;
        Copy(a.Store, c.Store, lane);                    // c got all of it before, and is away
        for (int entry = 20; entry < 25; entry++)
        {
            a.Store.Damage(lane, entry);
        }

        await using var d = Quick(new GeoCluster("d"));
        await d.StartAsync();
        await using var b = Quick(new GeoCluster("b"));
        await b.StartAsync(GeoCluster.Target("d", d.Port));
        await a.StartAsync(GeoCluster.Target("b", b.Port));

        // Nobody has it: the lane goes on everywhere, with the same numbers and offsets.
        a.Write(10);
        foreach (var cluster in new[] { b, d })
        {
            await Eventually.TrueAsync(() => cluster.Store.Lane(lane)?.NextEntry == a.Store.Lane(lane)!.Value.NextEntry,
                "the lane goes on", seen: () => a.Logs.Text + b.Logs.Text);
            Assert.Equal(a.Store.Lane(lane)!.Value.NextOffset, cluster.Store.Lane(lane)!.Value.NextOffset);
            Assert.Equal(new DamagedRange(lane, new(20), new(25)), cluster.Store.Damaged().Single() with { IsLost = false });
        }

        Assert.Contains("a 20-25: no neighbour has them: b", a.Store.Declared, StringComparer.Ordinal);
        Assert.Contains("goes on at entry 25", a.Logs.Text, StringComparison.Ordinal);

        // c comes, and links to d only: what it has takes the place of what was lost, against the links' directions too.
        Quick(c);
        await c.StartAsync(GeoCluster.Target("d", d.Port));
        foreach (var cluster in new[] { d, b, a })
        {
            await Eventually.TrueAsync(() => cluster.Store.Damaged().Count == 0, $"{cluster.Store.Origin.Cluster} is whole again",
                seen: () => string.Join(", ", cluster.Store.Damaged()) + cluster.Logs.Text);
            Assert.Equal(c.Store.Content(lane).OrderBy(e => e.Key),
                cluster.Store.Content(lane).Where(e => e.Key < 51).OrderBy(e => e.Key));
        }

        await a.ReachesAsync(d);
        Assert.Empty(a.Store.Forks.Concat(b.Store.Forks).Concat(c.Store.Forks).Concat(d.Store.Forks));
    }

    [Fact]
    public async Task Nothing_is_lost_while_a_neighbour_that_may_have_it_is_away()
    {
        await using var b = Quick(new GeoCluster("b"));
        await b.StartAsync();
        await using var a = Quick(new GeoCluster("a"));
        a.Write(50);
        LaneId lane = a.Store.Lanes().Single().Lane;
        await using var c = new GeoCluster("c");
        Copy(a.Store, c.Store, lane);
        a.Store.Damage(lane, 30);
        int port = FreePort.Next();
        await a.StartAsync(GeoCluster.Target("b", b.Port), GeoCluster.Target("c", port));
        await Eventually.TrueAsync(() => a.Logs.Text.Contains("stands still at entry 30", StringComparison.Ordinal), "it is said");
        c.Options = c.Options with { Listen = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port) };
        await c.StartAsync();
        await a.ReachesAsync(b);
        Assert.Empty(a.Store.Declared);
        Assert.Empty(b.Store.Declared);
        Assert.Empty(a.Store.Damaged());
    }

    [Fact]
    public async Task What_a_neighbour_has_of_a_range_is_got_back_and_the_rest_is_declared_lost()
    {
        await using var b = Quick(new GeoCluster("b"));
        await b.StartAsync();
        await using var a = await Quick(new GeoCluster("a")).StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(60);
        await a.ReachesAsync(b);
        LaneId lane = a.Store.Lanes().Single().Lane;
        foreach (int entry in new[] { 10, 11, 14, 15 })
        {
            b.Store.Damage(lane, entry);
        }

        for (int entry = 10; entry < 18; entry++)
        {
            a.Store.Damage(lane, entry);
        }

        await Eventually.TrueAsync(() => a.Store.Damaged().Sum(d => d.Next - d.First) == 4 && a.Store.Damaged().All(d => d.IsLost)
            && b.Store.Damaged().Count == 2 && b.Store.Damaged().All(d => d.IsLost), "both know what neither has",
            seen: () => string.Join(", ", a.Store.Damaged()) + " | " + string.Join(", ", b.Store.Damaged()) + a.Logs.Text);
        Assert.Equal([(10L, 12L), (14L, 16L)], a.Store.Damaged().Select(d => (d.First.Value, d.Next.Value)));
    }

    private static GeoCluster Quick(GeoCluster cluster)
    {
        cluster.Options = cluster.Options with
        {
            RepairInterval = TimeSpan.FromMilliseconds(200), LossGrace = TimeSpan.FromMilliseconds(100),
        };
        return cluster;
    }

    private static void Copy(MemoryLaneStore from, MemoryLaneStore to, LaneId lane)
    {
        var status = from.Lane(lane)!.Value;
        var read = from.ReadAsync(lane, status.FirstEntry, int.MaxValue, default).AsTask().Result;
        Assert.Equal(status.NextEntry - status.FirstEntry, read.Entries.Count);
        to.IngestAsync(lane, read.Entries, default).AsTask().Wait();
    }
}
