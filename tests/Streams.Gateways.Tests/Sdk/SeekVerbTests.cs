using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;
using static Streams.Gateways.Tests.SdkPeer;

namespace Streams.Gateways.Tests;

/// <summary>Where a consumer may go on, and how far it is behind (docs/sdk-protocol.md).</summary>
public sealed class SeekVerbTests
{
    private static readonly ProducerId Car = ProducerId.ForName("car-17");

    [Fact]
    public async Task Places_are_told_and_nothing_is_moved_until_the_new_generation_is_committed()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        Origin sj = scene.Container.Origin;
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 2));
        DateTimeOffset between = TimeProvider.System.GetUtcNow().AddMilliseconds(1);
        await Eventually.TrueAsync(() => TimeProvider.System.GetUtcNow() > between.AddMilliseconds(2), "time has passed");
        await peer.ProduceAsync(Batch(Car, 3, 3, after: 2));
        await peer.OpenAsync();
        Assert.Equal("sj@0:1,2", await peer.EventsAsync());
        Assert.Equal("sj@2:3,4,5", await peer.EventsAsync());

        Assert.Equal(5, await FoundAsync(SeekKind.Latest));
        Assert.Equal(0, await FoundAsync(SeekKind.Earliest));
        Assert.Equal(2, await FoundAsync(SeekKind.Time, between));
        Assert.Equal(5, await FoundAsync(SeekKind.Time, DateTimeOffset.MaxValue));
        (_, SeekReply? reply) = await peer.SeekAsync(new SeekRequest(1, SeekKind.Places, 0,
            [(P0.Partition, new EventPlace(sj, new Offset(4)))]));
        Assert.Equal((P0.Partition, new Offset(4)), reply!.Cursors.Select(c => (c.Partition, c.Cursor[sj])).Single());
        Assert.Equal(Cursor.Start, scene.Container.Cursor(ConsumerName.Parse("c"), P0));

        Cursor moved = new(new Generation(1, new Origin(sj.Cluster, new Incarnation(1))), reply.Cursors[0].Cursor.Positions, []);
        Assert.Equal("", await peer.CommitAsync(1, moved));
        Delivery told = await peer.DeliveryAsync();
        Assert.Equal((DeliveryKind.Rewound, moved), (told.Kind, told.Cursor));
        Assert.Equal(DeliveryKind.Events, (await peer.DeliveryAsync()).Kind);
        (_, reply) = await peer.SeekAsync(new SeekRequest(1, SeekKind.Earliest, 0, []));
        Assert.Equal(1, reply!.Cursors[0].Cursor.Generation.Number);

        async Task<long> FoundAsync(SeekKind kind, DateTimeOffset time = default)
        {
            long at = kind == SeekKind.Time ? (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond : 0;
            (string answer, SeekReply? found) = await peer.SeekAsync(new SeekRequest(1, kind, at, []));
            Assert.Equal("", answer);
            Assert.Equal(StreamSettings.DefaultPartitions, found!.Cursors.Count);
            return found.Cursors[0].Cursor[sj].Value;
        }
    }

    [Fact]
    public async Task What_is_not_there_is_refused_and_the_subscription_stays()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 2));
        Origin sj = scene.Container.Origin;
        Assert.StartsWith("0x99", (await peer.SeekAsync(new SeekRequest(1, SeekKind.Latest, 0, []))).Answer, StringComparison.Ordinal);
        await peer.OpenAsync();
        Assert.Equal("sj@0:1,2", await peer.EventsAsync());
        Assert.StartsWith("0x99", (await peer.SeekAsync(Place(sj, 3))).Answer, StringComparison.Ordinal);
        Assert.StartsWith("0x99", (await peer.SeekAsync(Place(new Origin(ClusterName.Parse("ny"), new Incarnation(1)), 0))).Answer,
            StringComparison.Ordinal);
        Assert.Equal("", (await peer.SeekAsync(Place(sj, 2))).Answer);

        static SeekRequest Place(Origin origin, long offset) =>
            new(1, SeekKind.Places, 0, [(P0.Partition, new EventPlace(origin, new Offset(offset)))]);
    }

    [Fact]
    public async Task How_far_a_consumer_is_behind_counts_what_is_kept_and_how_old_it_is()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.HelloAsync(Car);
        await peer.ProduceAsync(Batch(Car, 1, 5));
        Origin sj = scene.Container.Origin;
        await peer.OpenAsync(credit: 0);
        LaneBehind lane = Assert.Single((await peer.LagAsync(1, Cursor.Start.With(sj, new Offset(2)))).Lanes);
        Assert.Equal((sj, 2L, 5L), (lane.Origin, lane.Next.Value, lane.Head.Value));
        await Eventually.TrueAsync(async () =>
        {
            LaneBehind later = (await peer.LagAsync(1, Cursor.Start.With(sj, new Offset(2)))).Lanes.Single();
            return later.Behind > lane.Behind && later.Behind < 60_000_000;
        }, "it grows older");
        lane = Assert.Single((await peer.LagAsync(1, Cursor.Start.With(sj, new Offset(5)))).Lanes);
        Assert.Equal((5L, 5L, 0L), (lane.Next.Value, lane.Head.Value, lane.Behind));
    }
}
