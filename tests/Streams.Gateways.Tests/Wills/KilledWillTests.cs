using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Wills of clients whose server is killed, whose store refuses, or who go on at another cluster: each goes out once, or not at
/// all.</summary>
public sealed class KilledWillTests
{
    // MQTT-3.1.2-7 (5.0), MQTT-3.1.2-8: stored, and published once the server is there again.
    [Theory]
    [InlineData(0u, MqttVersion.V5)]
    [InlineData(600u, MqttVersion.V5)]
    [InlineData(0u, MqttVersion.V311)]
    public async Task The_will_of_a_client_whose_server_was_killed_goes_out_once(uint expiry, MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        await scene.WithWillAsync("orphan", expiry: expiry, cleanStart: version == MqttVersion.V311, version: version);
        scene.KillAndRestart();
        await scene.NoneKeptAsync();
        Assert.Equal(1, scene.Published());
        scene.KillAndRestart();
        await scene.ConnectAsync("orphan");
        Assert.Equal(1, scene.Published());
    }

    [Fact]
    public async Task A_delayed_will_of_a_killed_server_waits_its_delay_and_a_client_that_is_back_has_none()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await scene.WithWillAsync("away", delay: 60, expiry: 600);
        await scene.WithWillAsync("back", delay: 60, expiry: 600);
        await (await scene.WithWillAsync("went-before", delay: 60, expiry: 600)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(50));
        scene.KillAndRestart();
        MqttPeer reader = await scene.ReaderAsync();
        time.Advance(TimeSpan.FromSeconds(11));

        // Its connection ended before the kill: its delay went on.
        await reader.NextIsAsync("went-before");
        MqttPeer back = await scene.ConnectAsync("back", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        time.Advance(TimeSpan.FromSeconds(60));
        await reader.NextIsAsync("away");
        await scene.NoneKeptAsync();
        Assert.Equal(2, scene.Published());
    }

    [Fact]
    public async Task A_client_that_comes_to_a_killed_server_before_its_will_was_published_finds_it_published()
    {
        VirtualTime time = new();
        MqttGatewayOptions options = new() { WillGrace = TimeSpan.FromSeconds(10) };
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: options, time: time);
        await scene.WithWillAsync("quick", cleanStart: true);
        scene.KillAndRestart();
        MqttPeer quick = await scene.WithWillAsync("quick", cleanStart: true);
        Assert.Equal(1, scene.Published());
        await quick.DisconnectAsync();
        time.Advance(TimeSpan.FromSeconds(11));
        await scene.NoneKeptAsync();
        Assert.Equal(1, scene.Published());
    }

    // The kill comes between the event and the removal of what is kept.
    [Theory]
    [InlineData(0u)]
    [InlineData(600u)]
    public async Task A_will_that_is_published_again_stays_one_event(uint expiry)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ReaderAsync();
        MqttPeer gone = await scene.WithWillAsync("gone", expiry: expiry);
        scene.Store.RegisterFailure = new TryAgainException("no room for registers");
        await gone.VanishAsync();
        await reader.NextIsAsync("gone");
        Assert.Single(scene.Kept());
        scene.KillAndRestart();
        await scene.NoneKeptAsync();
        Assert.Equal(1, scene.Published());
    }

    [Fact]
    public async Task A_will_taken_back_while_the_store_refuses_is_never_published()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer polite = await scene.WithWillAsync("polite");
        scene.Store.RegisterFailure = new TryAgainException("no room for registers");
        await polite.DisconnectAsync();
        Assert.Single(scene.Kept());
        scene.Store.RegisterFailure = null;
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return scene.Kept().Length == 0;
            },
            "what was taken back is removed");
        Assert.Equal(0, scene.Published());
    }

    [Fact]
    public async Task A_client_is_not_told_that_it_is_connected_before_its_will_is_kept()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        await scene.WithWillAsync("first");
        scene.Store.RegisterFailure = new TryAgainException("no room for registers");
        MqttPeer refused = scene.Dial();
        await refused.ConnectAsync("second", will: WillScene.Will("second"));
        Assert.Equal(MqttReasonCode.ServerUnavailable, refused.Connack.ReasonCode);
        scene.Store.RegisterFailure = null;
        Assert.Equal(MqttReasonCode.Success, (await scene.ConnectAsync("second")).Connack.ReasonCode);
        Assert.Equal(0, scene.Published());
    }

    // The largest that CONNECT can carry beside full properties: more than one register takes.
    [Fact]
    public async Task The_largest_will_survives_a_kill_whole()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        byte[] payload = new byte[ushort.MaxValue];
        new Random(1).NextBytes(payload);
        MqttProperties properties = new();
        for (int i = 0; i < 6; i++)
        {
            properties.Add($"p{i}", new string((char)('a' + i), 10_000));
        }

        MqttPeer peer = scene.Dial();
        MqttWill will = new() { Topic = "wills/large", Payload = payload, Properties = properties };
        await peer.ConnectAsync("large", expiry: 600, will: will);
        Assert.Equal(MqttReasonCode.Success, peer.Connack.ReasonCode);
        Assert.Equal(2, scene.Kept().Length);
        scene.KillAndRestart();
        await scene.NoneKeptAsync();
        StreamPartition partition = new(WillScene.Wills, Partitioner.For(default, "large"u8, StreamSettings.DefaultPartitions));
        LaneId lane = new(partition, scene.Container.Origin);
        using LaneSlice slice = await scene.Container.ReadAsync(lane, Offset.Zero, 1 << 20, default);
        List<EventView> events = [];
        foreach (EventView found in EventBatch.Parse(slice.Entries[0].Body).Events)
        {
            events.Add(found);
        }

        EventView view = Assert.Single(events);
        Assert.True(view.Payload.Span.SequenceEqual(payload));
        Assert.True(EventHeader.TryDecode(view.Headers, out IReadOnlyList<EventHeader> headers));
        Assert.Equal(["p0", "p1", "p2", "p3", "p4", "p5"], headers.Where(static h => h.Name[0] == 'p').Select(static h => h.Name));
        Assert.Equal(new string('f', 10_000), Encoding.UTF8.GetString(headers[^1].Value.Span));
    }

    // MQTT-3.1.3-9 where the session goes on at another cluster: the newer owner cancels.
    [Fact]
    public async Task A_client_that_goes_on_at_another_cluster_within_the_delay_has_no_will()
    {
        VirtualTime time = new();
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj", time: time);
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny", time: time);
        MqttPeer reader = await sj.ReaderAsync();
        await (await sj.WithWillAsync("moved", delay: 60, expiry: 600)).VanishAsync();
        await (await sj.WithWillAsync("control", delay: 90, expiry: 600)).VanishAsync();
        await ny.CopyFromAsync(sj);
        MqttPeer moved = await ny.ConnectAsync("moved", cleanStart: false, expiry: 600);
        Assert.True(moved.Connack.SessionPresent);
        await sj.CopyFromAsync(ny);
        time.Advance(TimeSpan.FromSeconds(91));
        await reader.NextIsAsync("control");
        Assert.Equal((1, 0), (sj.Published(), ny.Published()));
    }

    [Fact]
    public async Task A_clean_start_at_another_cluster_ends_the_session_and_the_will_goes_out_there_once()
    {
        VirtualTime time = new();
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj", time: time);
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny", time: time);
        MqttPeer reader = await ny.ReaderAsync();
        await (await sj.WithWillAsync("clean", delay: 60, expiry: 600)).VanishAsync();
        await ny.CopyFromAsync(sj);
        await ny.ConnectAsync("clean", cleanStart: true, expiry: 600);
        await reader.NextIsAsync("clean");

        // The first cluster has not heard of it yet: its copy is a twin, given to nobody again.
        time.Advance(TimeSpan.FromSeconds(61));
        await Eventually.EqualAsync(1L, sj.Published, "the will goes out at the first cluster too");
        await ny.CopyFromAsync(sj);
        await (await ny.WithWillAsync("control")).VanishAsync();
        await reader.NextIsAsync("control");
    }

    // What the first cluster writes of the end of its connection does not undo what the second wrote before it heard of that.
    [Fact]
    public async Task The_will_of_a_newer_connection_stays_when_the_cluster_of_the_older_one_was_cut_off()
    {
        VirtualTime time = new();
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj", time: time);
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny", time: time);
        MqttPeer first = await sj.WithWillAsync("moved", delay: 60, expiry: 600);
        await ny.CopyFromAsync(sj);
        MqttPeer moved = await ny.WithWillAsync("moved", delay: 60, expiry: 600);
        await first.VanishAsync();
        await ny.CopyFromAsync(sj);
        await sj.CopyFromAsync(ny);
        await (await sj.WithWillAsync("control", delay: 60, expiry: 600)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(60));
        await Eventually.EqualAsync(1L, sj.Published, "the control is published, and nothing else");
        await moved.VanishAsync();
        time.Advance(TimeSpan.FromSeconds(60));
        await Eventually.EqualAsync(1L, ny.Published, "the will of the newer connection is published where that was");
        Assert.Equal(1, sj.Published());
    }

    // It may have said goodbye there a moment ago.
    [Fact]
    public async Task Nothing_is_published_for_a_connection_at_another_cluster_that_is_not_known_to_have_ended()
    {
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj");
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny");
        MqttPeer moving = await sj.WithWillAsync("moving", expiry: 600);
        await ny.CopyFromAsync(sj);
        await ny.ConnectAsync("moving", cleanStart: false, expiry: 600);
        Assert.Equal(0, ny.Published());
        await sj.CopyFromAsync(ny);

        // The first cluster notices the end of its connection when the client is there already.
        await moving.VanishAsync();
        Assert.Equal((0, 0), (sj.Published(), ny.Published()));
    }
}
