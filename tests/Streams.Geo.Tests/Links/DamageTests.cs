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
}
