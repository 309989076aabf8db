using System.Net;
using Streams.Core;
using Streams.Testing;

namespace Streams.Geo.Tests;

public sealed class LinkTests
{
    [Fact]
    public async Task Entries_of_all_lanes_pass_through_a_chain_and_the_links_say_that_they_are_level()
    {
        await using var c = await new GeoCluster("c").StartAsync();
        await using var b = await new GeoCluster("b").StartAsync(GeoCluster.Target("c", c.Port));
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(50);
        a.Write(50, partition: 1);
        b.Write(30);
        a.Store.AppendFlushed(0, "x=7", EntryKind.Registers);
        await a.ReachesAsync(b);
        await b.ReachesAsync(c);
        Assert.Equal(7, c.Store.Registers["x"]);
        await Eventually.TrueAsync(() => a.Outgoing.State == LinkState.Level, "the link is level", seen: () => a.Outgoing.ToString());
        await Eventually.TrueAsync(() => b.Service.Status.Incoming.Single().State == LinkState.Level, "its other end is, too");
        Assert.Equal(0, a.Outgoing.LagEvents);
        Assert.True(a.Outgoing.Entries >= 103);
        Assert.True(a.Outgoing.BytesSent > 5000);
        await Eventually.TrueAsync(() => c.Service.Horizon.Reaches(ClusterName.Parse("a")), "c knows that a reaches it by way of b");
        Assert.False(a.Service.Horizon.Reaches(ClusterName.Parse("c")));
    }

    [Fact]
    public async Task A_link_that_is_cut_again_and_again_loses_nothing_and_sends_nothing_back()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var proxy = CuttingProxy.Start(b.Port);
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", proxy.Port));
        await using var back = CuttingProxy.Start(a.Port);
        await b.Service.DisposeAsync();
        await using var b2 = await new GeoCluster("b", b.Store) { Options = b.Options with { Listen = new(IPAddress.Loopback, b.Port) } }
            .StartAsync(GeoCluster.Target("a", back.Port));
        for (var round = 0; round < 8; round++)
        {
            a.Write(200, bytes: 2000, tag: $"round {round}");
            b2.Write(20, tag: $"round {round}");
            var before = proxy.BytesToTarget;
            await Eventually.TrueAsync(() => proxy.BytesToTarget > before + 20_000, "some of it is under way");
            await proxy.CutAsync(round % 2 == 0 ? CutStyle.Reset : CutStyle.Close);
            proxy.Restore();
        }

        await a.ReachesAsync(b2);
        await b2.ReachesAsync(a);
        Assert.Empty(a.Store.Forks.Concat(b2.Store.Forks));
        Assert.True(a.Outgoing.Reconnects >= 7);
        await Eventually.TrueAsync(() => a.Outgoing.State == LinkState.Level && b2.Outgoing.State == LinkState.Level, "both are level");
    }

    [Fact]
    public async Task A_restarted_receiver_is_found_again()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(10);
        await a.ReachesAsync(b);
        var endpoint = b.Service.Endpoint!;
        await b.DisposeAsync();
        await Eventually.TrueAsync(() =>
            a.Outgoing is { State: LinkState.Down or LinkState.Connecting, LastError: not null }, "the link is down and says why");
        a.Write(10, tag: "while away");
        await using var again = await new GeoCluster("b", b.Store) { Options = b.Options with { Listen = endpoint } }.StartAsync();
        await a.ReachesAsync(again);
    }

    [Fact]
    public async Task Memory_stays_bounded_when_the_receiver_is_slow()
    {
        var gate = new SemaphoreSlim(0);
        await using var b = new GeoCluster("b");
        b.Options = b.Options with { CreditBytes = 64 << 10 };
        b.Store.BeforeIngest = () => gate.WaitAsync();
        await b.StartAsync();
        await using var a = new GeoCluster("a");
        a.Options = a.Options with { SliceBytes = 4096 };
        await a.StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(1000, bytes: 1000);
        await Eventually.TrueAsync(() => b.Service.Status.Incoming.SingleOrDefault()?.BytesReceived > 50_000, "the credit is used up");
        await Eventually.TrueAsync(() =>
            a.Outgoing is { State: LinkState.CatchingUp, LagEvents: > 0 } && a.Outgoing.Lag > TimeSpan.Zero, "the lag shows");
        var sent = a.Outgoing.BytesSent;
        Assert.InRange(sent, 50_000, 200_000); // of a million bytes that wait: the credit, one slice over it, and what starts a link
        b.Store.BeforeIngest = null;
        gate.Release(10_000);
        await a.ReachesAsync(b);
        Assert.True(a.Outgoing.BytesSent > 1_000_000);
    }

    [Fact]
    public async Task A_gap_left_by_retention_is_stepped_over_behind_the_state()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = new GeoCluster("a");
        a.Store.AppendFlushed(0, "x=5", EntryKind.Registers);
        a.Write(20);
        a.Store.Trim(new LaneId(MemoryLaneStore.Partition(0), a.Store.Origin), 10);
        await a.StartAsync(GeoCluster.Target("b", b.Port));
        await a.ReachesAsync(b);
        Assert.Equal(10, b.Store.Lanes().Single().FirstEntry.Value);
        Assert.Equal(5, b.Store.Registers["x"]);
        await Eventually.TrueAsync(() => a.Logs.Entries.Any(log => log.EventId.Id == 2002) && b.Logs.Entries.Any(log =>
            log.EventId.Id == 2002), "both tell of the gap");
    }
}
