using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Wills: when they go out, when they do not, and what of them arrives.</summary>
public sealed class WillTests
{
    // MQTT-3.1.2-8: after the connection is closed and the delay has passed.
    [Fact]
    public async Task A_delayed_will_goes_out_when_its_delay_has_passed_and_not_before()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        await (await scene.WithWillAsync("late", delay: 60, expiry: 600)).VanishAsync();
        await (await scene.WithWillAsync("control", delay: 30, expiry: 600)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(31));
        await reader.NextIsAsync("control");
        Assert.Equal(1, scene.Published());
        time.Advance(TimeSpan.FromSeconds(30));
        await reader.NextIsAsync("late");
        await scene.NoneKeptAsync();
    }

    // MQTT-3.1.3-9: a new connection before the delay has passed, to the session that was kept.
    [Fact]
    public async Task A_client_that_is_back_within_the_delay_has_no_will()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        await (await scene.WithWillAsync("back", delay: 60, expiry: 600)).VanishAsync();
        await (await scene.WithWillAsync("control", delay: 90, expiry: 600)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(59));
        MqttPeer back = await scene.ConnectAsync("back", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        time.Advance(TimeSpan.FromSeconds(60));
        await reader.NextIsAsync("control");
        await scene.NoneKeptAsync();
        await back.VanishAsync();
        Assert.Equal(1, scene.Published());
    }

    [Fact]
    public async Task A_clean_start_ends_the_session_and_the_will_goes_out_before_the_new_connection_is_told()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        await (await scene.WithWillAsync("clean", delay: 60, expiry: 600)).VanishAsync();
        MqttPeer back = await scene.ConnectAsync("clean", cleanStart: true, expiry: 600);
        Assert.Equal(1, scene.Published());
        await reader.NextIsAsync("clean");
        time.Advance(TimeSpan.FromSeconds(61));
        await back.DisconnectAsync();
        Assert.Equal((1, 0), (scene.Published(), scene.Kept().Length));
    }

    [Theory]
    [InlineData(30u)]
    [InlineData(0u)]
    public async Task A_will_waits_no_longer_than_its_session_lives(uint expiry)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        await (await scene.WithWillAsync("short", delay: 3600, expiry: expiry)).VanishAsync();
        time.Advance(TimeSpan.FromSeconds(expiry));
        await reader.NextIsAsync("short");
        await scene.NoneKeptAsync();
    }

    // MQTT-3.1.2-10, MQTT-3.14.4-3: gone from the log too, or a kill would bring it back.
    [Theory]
    [InlineData(0u)]
    [InlineData(600u)]
    public async Task A_goodbye_takes_the_will_out_of_the_log(uint expiry)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer polite = await scene.WithWillAsync("polite", delay: expiry, expiry: expiry);
        Assert.Single(scene.Kept());
        await polite.DisconnectAsync();
        Assert.Equal((0, 0), (scene.Published(), scene.Kept().Length));
    }

    [Fact]
    public async Task DISCONNECT_with_will_publishes_after_the_delay_and_by_the_expiry_that_it_names()
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        MqttPeer leaving = await scene.WithWillAsync("leaving", delay: 60, expiry: 600);
        await leaving.SendAsync(new MqttDisconnectPacket
        {
            ReasonCode = MqttReasonCode.DisconnectWithWill,
            Properties = new MqttProperties { SessionExpiryInterval = 20 },
        });
        await leaving.Served;
        Assert.Equal(0, scene.Published());
        time.Advance(TimeSpan.FromSeconds(20));
        await reader.NextIsAsync("leaving");
    }

    [Theory]
    [InlineData(0u, true)]
    [InlineData(60u, false)]
    public async Task A_connection_that_is_taken_over_has_a_will_unless_that_waits(uint delay, bool published)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ReaderAsync();
        await scene.WithWillAsync("twice", delay, expiry: 600);
        MqttPeer newer = await scene.WithWillAsync("twice", delay, expiry: 600);
        Assert.Equal(published ? 1 : 0, scene.Published());
        Assert.Equal(["will/twice"], scene.Kept());
        await newer.DisconnectAsync();
        await (await scene.WithWillAsync("control")).VanishAsync();
        await reader.NextIsAsync(published ? "twice" : "control");
    }

    // MQTT-3.1.3-10 and 3.1.2.7: what the client said of its will is what is published.
    [Theory]
    [InlineData(0u)]
    [InlineData(60u)]
    public async Task All_that_the_client_said_of_its_will_arrives(uint delay)
    {
        VirtualTime time = new();
        await using GatewayScene scene = await GatewayScene.OpenAsync(time: time);
        MqttPeer reader = await scene.ReaderAsync();
        MqttProperties said = new()
        {
            WillDelayInterval = delay, ContentType = "text/plain", ResponseTopic = "answers/1", CorrelationData = [1, 2, 3],
            PayloadIsText = true, MessageExpiryInterval = 3600,
        };
        said.Add("b", "1").Add("a", "2").Add("b", "3");
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("rich", expiry: 600, will: new MqttWill
        {
            Topic = "wills/rich", Payload = Encoding.UTF8.GetBytes("gone"), Qos = MqttQos.ExactlyOnce, Properties = said,
        });
        Assert.Equal(MqttReasonCode.Success, peer.Connack.ReasonCode);
        await peer.VanishAsync();
        time.Advance(TimeSpan.FromSeconds(delay));
        MqttPublishPacket message = await reader.NextMessageAsync();
        MqttProperties found = message.Properties!;
        Assert.Equal(("text/plain", "answers/1", true), (found.ContentType, found.ResponseTopic, found.PayloadIsText));
        Assert.Equal([1, 2, 3], found.CorrelationData!);
        Assert.Equal(["b=1", "a=2", "b=3"], found.UserProperties.Select(static p => $"{p.Name}={p.Value}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_retain_flag_goes_on_with_the_will(bool retain)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial(MqttVersion.V311);
        MqttWill will = WillScene.Will("kept");
        await peer.ConnectAsync("kept", will: new MqttWill { Topic = will.Topic, Payload = will.Payload, Qos = will.Qos, Retain = retain });
        await peer.VanishAsync();
        Assert.Equal(1, scene.Published());
        Assert.Equal(retain, scene.Container.RetainedHead(WillScene.Wills, "kept"u8) is { HasMessage: true });
    }

    [Fact]
    public async Task Who_may_not_publish_its_will_is_not_taken_and_who_might_at_CONNECT_has_it_published()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ReaderAsync();
        MqttPeer taken = await scene.WithWillAsync("taken");
        scene.Allowed = static (action, stream, _) => action != AccessAction.Publish || stream != WillScene.Wills;
        MqttPeer refused = scene.Dial();
        await refused.ConnectAsync("refused", will: WillScene.Will("refused"));
        Assert.Equal(MqttReasonCode.NotAuthorized, refused.Connack.ReasonCode);
        await taken.VanishAsync();
        await reader.NextIsAsync("taken");
    }

    [Fact]
    public async Task A_will_that_could_not_be_an_event_is_refused_at_CONNECT()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reserved = scene.Dial();
        await reserved.ConnectAsync("reserved", will: new MqttWill
        {
            Topic = "wills/x", Properties = new MqttProperties().Add("mqtt.qos0", "x"),
        });
        Assert.Equal(MqttReasonCode.QuotaExceeded, reserved.Connack.ReasonCode);
        MqttPeer control = scene.Dial();
        await control.ConnectAsync("control", will: new MqttWill { Topic = "wills/\u0001" });
        Assert.Equal(MqttReasonCode.TopicNameInvalid, control.Connack.ReasonCode);
        Assert.Empty(scene.Kept());
    }

    // Made up identifiers of clients that are never seen again leave no register each.
    [Fact]
    public async Task Sessions_that_end_with_their_connection_use_places_again()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            MqttPeer one = await scene.WithWillAsync($"one-{i}", cleanStart: true);
            MqttPeer two = await scene.WithWillAsync($"two-{i}", cleanStart: true);
            Assert.Equal(["will-of/sj/0", "will-of/sj/1"], scene.Kept());
            await one.VanishAsync();
            await two.DisconnectAsync();
        }

        Assert.Equal(5, scene.Published());
        Assert.Equal(2, scene.Container.Registers(SessionRecord.Stream, "will").Count);
    }
}
