using Streams.Core;
using Streams.Testing;

namespace Streams.Geo.Tests;

public sealed class OriginTests
{
    private static readonly StreamPartition Partition = MemoryLaneStore.Partition(0);

    [Fact]
    public async Task A_wiped_sender_gets_its_old_lane_back_from_where_it_links_to()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(40, bytes: 500);
        await a.ReachesAsync(b);
        await a.DisposeAsync();
        var old = new LaneId(Partition, a.Store.Origin);
        await using var wiped = new GeoCluster("a");
        wiped.Options = wiped.Options with { SliceBytes = 4096 };
        await wiped.StartAsync(GeoCluster.Target("b", b.Port));
        await b.ReachesAsync(wiped);
        Assert.Equal(b.Store.Content(old), wiped.Store.Content(old));
        wiped.Write(1);
        await wiped.ReachesAsync(b);
        Assert.Empty(wiped.Store.Opened);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cluster_that_was_rolled_back_opens_a_new_incarnation_and_gets_its_tail_back(bool asSender)
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(30);
        await a.ReachesAsync(b);
        await a.DisposeAsync();
        var before = a.Store.Origin;
        var lane = new LaneId(Partition, before);
        a.Store.LoseTail(lane, 12);
        await using var again = await new GeoCluster("a", a.Store).StartAsync(asSender ? [GeoCluster.Target("b", b.Port)] : []);
        await using var other = await new GeoCluster("b", b.Store).StartAsync(asSender ? [] : [GeoCluster.Target("a", again.Port)]);
        await Eventually.TrueAsync(() => a.Store.Lane(lane)?.NextEntry.Value == 31, "the tail is back", seen: () =>
            $"{a.Store.Lane(lane)}");
        Assert.Single(a.Store.Opened);
        Assert.True(a.Store.Origin.Incarnation > before.Incarnation);
        Assert.Empty(a.Store.Forks);
        Assert.Equal(b.Store.Content(lane), a.Store.Content(lane));
    }

    [Fact]
    public async Task A_cluster_that_meets_a_later_incarnation_of_its_name_opens_one_that_is_later_still()
    {
        await using var b = new GeoCluster("b");
        var later = new Origin(ClusterName.Parse("a"), new Incarnation(GeoCluster.Tick() + 1_000_000_000));
        await b.Store.IngestAsync(new LaneId(Partition, later), [Opened(later)], default);
        await b.StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        await Eventually.TrueAsync(() => a.Store.Origin.Incarnation > later.Incarnation, "the incarnation is later than the one met");
        await b.ReachesAsync(a);
        Assert.Single(a.Store.Opened);
    }

    [Fact]
    public async Task Neighbours_asked_before_the_start_tell_of_a_rollback()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var c = await new GeoCluster("c").StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(30);
        await a.ReachesAsync(b);
        await a.DisposeAsync();
        await using var same = new GeoCluster("a", a.Store).Make(GeoCluster.Target("b", b.Port), GeoCluster.Target("c", c.Port));
        Assert.False(await same.Service.AskNeighboursAsync(TimeSpan.FromSeconds(10), default));
        a.Store.LoseTail(new LaneId(Partition, a.Store.Origin), 12);
        await using var rolledBack = new GeoCluster("a", a.Store).Make(GeoCluster.Target("c", c.Port), GeoCluster.Target("b", b.Port));
        Assert.True(await rolledBack.Service.AskNeighboursAsync(TimeSpan.FromSeconds(10), default));
        Assert.Empty(a.Store.Opened);
    }

    [Fact]
    public async Task Neighbours_that_cannot_be_reached_do_not_hold_up_the_start()
    {
        await using var a = new GeoCluster("a").Make(GeoCluster.Target("b", FreePort.Next()));
        Assert.False(await a.Service.AskNeighboursAsync(TimeSpan.FromMilliseconds(300), default));
        Assert.Contains(a.Logs.Entries, log => log.EventId.Id == 2013);
    }

    [Fact]
    public async Task A_closed_lane_is_exhausted_when_all_who_link_here_are_level_and_none_has_more()
    {
        await using var c = await new GeoCluster("c").StartAsync();
        await using var b = await new GeoCluster("b").StartAsync(GeoCluster.Target("c", c.Port));
        var dead = new Origin(ClusterName.Parse("a"), new Incarnation(5));
        var lane = new LaneId(Partition, dead);
        await b.Store.IngestAsync(lane, [Opened(dead)], default);
        await b.ReachesAsync(c);
        Assert.False(c.Service.Horizon.IsExhausted(lane)); // not closed
        var later = new Origin(dead.Cluster, new Incarnation(9));
        await b.Store.IngestAsync(new LaneId(Partition, later), [Opened(later)], default);
        await Eventually.TrueAsync(() => c.Service.Horizon.IsExhausted(lane), "nothing more can come");
        await b.DisposeAsync();
        await Eventually.TrueAsync(() => !c.Service.Horizon.IsExhausted(lane), "who is away may hold more");
        Assert.Contains(ClusterName.Parse("b"), c.Saved.Senders);
        c.Service.Horizon.Forget(ClusterName.Parse("b"));
        Assert.True(c.Service.Horizon.IsExhausted(lane));
    }

    private static LaneEntry Opened(Origin origin) => new()
    {
        Number = default,
        Kind = EntryKind.Opened,
        BaseOffset = default,
        EventCount = 0,
        AppendedAt = 1,
        Path = ReplicationPath.StartingAt(origin),
        Body = default,
    };
}
