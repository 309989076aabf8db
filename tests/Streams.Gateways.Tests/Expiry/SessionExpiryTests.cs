using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Sessions whose time has passed go, and those whose time has not stay, whatever happens to their server.</summary>
public sealed class SessionExpiryTests
{
    // MQTT-4.1.0-2, MQTT-3.1.2-23.
    [Fact]
    public async Task An_expired_session_is_removed_by_itself_and_counts_from_the_disconnect()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer peer = await scene.ConnectAsync("a", cleanStart: false, expiry: 60);
        MqttPeer other = await scene.ConnectAsync("b", cleanStart: false, expiry: 600);
        time.Advance(TimeSpan.FromSeconds(300));
        Assert.True(IsKept(scene, "a"));
        await peer.VanishAsync();
        await other.DisconnectAsync();
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(IsKept(scene, "a"));
        time.Advance(TimeSpan.FromSeconds(1));
        await GoneAsync(scene, "a");
        Assert.True(IsKept(scene, "b"));
        time.Advance(TimeSpan.FromSeconds(540));
        await GoneAsync(scene, "b");
    }

    [Fact]
    public async Task A_client_that_came_back_keeps_its_session_as_long_as_it_is_there()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await (await scene.ConnectAsync("a", cleanStart: false, expiry: 60)).VanishAsync();
        await (await scene.ConnectAsync("control", cleanStart: false, expiry: 61)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(30));
        MqttPeer back = await scene.ConnectAsync("a", cleanStart: false, expiry: 60);
        time.Advance(TimeSpan.FromSeconds(100));
        await GoneAsync(scene, "control");
        Assert.True(IsKept(scene, "a"));
        await back.VanishAsync();
        time.Advance(TimeSpan.FromSeconds(60));
        await GoneAsync(scene, "a");
    }

    // MQTT 5, 3.14.2.2.2.
    [Fact]
    public async Task DISCONNECT_shortens_and_lengthens_the_life_of_a_session_and_0_ends_it()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await LeaveAsync(await scene.ConnectAsync("shorter", cleanStart: false, expiry: 600), 10);
        await LeaveAsync(await scene.ConnectAsync("longer", cleanStart: false, expiry: 5), 100);
        await LeaveAsync(await scene.ConnectAsync("over", cleanStart: false, expiry: 600), 0);
        Assert.False(IsKept(scene, "over"));
        time.Advance(TimeSpan.FromSeconds(10));
        await GoneAsync(scene, "shorter");
        Assert.True(IsKept(scene, "longer"));
        time.Advance(TimeSpan.FromSeconds(90));
        await GoneAsync(scene, "longer");
    }

    [Fact]
    public async Task A_session_that_began_without_expiry_cannot_get_one_at_its_end()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("a");
        await peer.SendAsync(Disconnect(60));
        Assert.Equal(MqttReasonCode.ProtocolError, await peer.EndAsync());
        Assert.False(IsKept(scene, "a"));
    }

    [Fact]
    public async Task A_session_whose_server_was_killed_lives_its_time_behind_the_last_sign_of_it()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await scene.ConnectAsync("short", cleanStart: false, expiry: 600);
        await scene.ConnectAsync("long", cleanStart: false, expiry: 86_400);
        await SignedAsync(scene, time);
        scene.Store.Cut();
        time.Advance(TimeSpan.FromHours(2));
        scene.KillAndRestart();
        await GoneAsync(scene, "short");
        Assert.True(IsKept(scene, "long"));
        Assert.True((await scene.ConnectAsync("long", cleanStart: false, expiry: 86_400)).Connack.SessionPresent);
    }

    // Before it is removed: nothing of what a connection sees depends on how fast that is.
    [Fact]
    public async Task A_session_that_was_over_before_its_killed_server_came_back_is_not_gone_on_with()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await scene.ConnectAsync("short", cleanStart: false, expiry: 600);
        await SignedAsync(scene, time);
        scene.Store.Cut();
        time.Advance(TimeSpan.FromHours(2));
        scene.KillAndRestart();
        Assert.False((await scene.ConnectAsync("short", cleanStart: false, expiry: 600)).Connack.SessionPresent);
    }

    [Fact]
    public async Task A_client_that_is_back_soon_after_a_kill_goes_on_with_its_session()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await scene.ConnectAsync("a", cleanStart: false, expiry: 60);
        time.Advance(TimeSpan.FromDays(3));
        await SignedAsync(scene, time);
        scene.KillAndRestart();
        time.Advance(TimeSpan.FromSeconds(50));
        Assert.True((await scene.ConnectAsync("a", cleanStart: false, expiry: 60)).Connack.SessionPresent);
        time.Advance(TimeSpan.FromSeconds(70));
        Assert.True(IsKept(scene, "a"));
    }

    // A step of the wall clock moves nothing that this process waits for.
    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task A_step_of_the_clock_ends_no_session_early_or_late(int days)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        await (await scene.ConnectAsync("a", cleanStart: false, expiry: 60)).VanishAsync();
        await (await scene.ConnectAsync("control", cleanStart: false, expiry: 30)).VanishAsync();
        time.StepWallClock(TimeSpan.FromDays(days));
        time.Advance(TimeSpan.FromSeconds(31));
        await GoneAsync(scene, "control");
        Assert.True(IsKept(scene, "a"));
        time.Advance(TimeSpan.FromSeconds(29));
        await GoneAsync(scene, "a");
    }

    [Fact]
    public async Task Sessions_of_another_cluster_are_left_to_it()
    {
        VirtualTime time = new();
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj", time: time);
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny", time: time);
        await (await sj.ConnectAsync("theirs", cleanStart: false, expiry: 30)).VanishAsync();
        await ny.CopyFromAsync(sj);
        ny.KillAndRestart();
        await (await ny.ConnectAsync("ours", cleanStart: false, expiry: 60)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(60));
        await GoneAsync(ny, "ours");
        await GoneAsync(sj, "theirs");
        Assert.True(IsKept(ny, "theirs"));
        await ny.CopyFromAsync(sj);
        Assert.False(IsKept(ny, "theirs"));
    }

    // The cluster that was cut off knows of no newer connection: what it ends is the session as it knew it.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_cluster_ends_that_was_cut_off_stays_where_the_client_went_on(bool killed)
    {
        VirtualTime time = new();
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj", time: time);
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny", time: time);
        MqttPeer first = await sj.ConnectAsync("moved", cleanStart: false, expiry: 60);
        await ny.CopyFromAsync(sj);
        MqttPeer moved = await ny.ConnectAsync("moved", cleanStart: false, expiry: 3600);
        await moved.SubscribeAsync("fleet/#");
        if (killed)
        {
            await SignedAsync(sj, time);
            sj.Store.Cut();
            time.Advance(TimeSpan.FromHours(1));
            sj.KillAndRestart();
        }
        else
        {
            await first.VanishAsync();
            time.Advance(TimeSpan.FromSeconds(60));
        }

        await GoneAsync(sj, "moved");
        await ny.CopyFromAsync(sj);
        Assert.True(IsKept(ny, "moved"));
        await moved.DisconnectAsync();
        await sj.CopyFromAsync(ny);
        MqttPeer back = await sj.ConnectAsync("moved", cleanStart: false, expiry: 60);
        Assert.True(back.Connack.SessionPresent);
        await back.PublishAsync("fleet/a", "1");
        Assert.Equal("fleet/a=1", await back.ReceiveAsync());
    }

    // More than end at once: the pace is bounded and nothing is left.
    [Fact]
    public async Task Many_sessions_that_end_together_all_go()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        for (int i = 0; i < 150; i++)
        {
            await (await scene.ConnectAsync($"c{i}", cleanStart: false, expiry: 60)).VanishAsync();
        }

        scene.KillAndRestart();
        time.Advance(TimeSpan.FromSeconds(60));
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return scene.Container.Registers(SessionRecord.Stream, "session/").All(static f => f.Value.IsEmpty);
            },
            "all sessions are gone");
    }

    private static bool IsKept(GatewayScene scene, string clientId) =>
        scene.Container.Register(SessionRecord.Stream, SessionRecord.Key(clientId)) is { Value.IsEmpty: false };

    private static Task GoneAsync(GatewayScene scene, string clientId) =>
        Eventually.TrueAsync(() => !IsKept(scene, clientId), $"the session of {clientId} is gone");

    private static Task SignedAsync(GatewayScene scene, VirtualTime time) => Eventually.TrueAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return scene.Container.Register(SessionRecord.Stream, "gateway/sj") is { Value.Length: 8 } fact
                && time.GetUtcNow().ToUnixTimeMilliseconds() - BitConverter.ToInt64(fact.Value.Span) < 60_000;
        },
        "the server said that it lives");

    private static async Task LeaveAsync(MqttPeer peer, uint expiry)
    {
        await peer.SendAsync(Disconnect(expiry));
        await peer.Served;
    }

    private static MqttDisconnectPacket Disconnect(uint expiry) =>
        new() { Properties = new MqttProperties { SessionExpiryInterval = expiry } };
}
