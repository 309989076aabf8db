using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>How connections begin and end.</summary>
public sealed class ConnectionTests
{
    /// <summary>It reads no more while there is no room, and its answers fail with its connection: neither may wait for the
    /// other.</summary>
    [Theory]
    [InlineData(MqttQos.AtLeastOnce)]
    [InlineData(MqttQos.ExactlyOnce)]
    public async Task A_session_that_waits_for_room_when_it_is_taken_over_ends(MqttQos qos)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxUnansweredBytes = 64 << 10 });
        MqttPeer peer = await scene.ConnectAsync("car", expiry: 60);
        scene.Store.HoldAnswers();
        foreach (int bytes in (int[])[1, 128 << 10, 1])
        {
            await peer.PublishOnlyAsync("fleet/x", new byte[bytes], qos);
        }

        Task<MqttPeer> next = scene.ConnectAsync("car", cleanStart: false, expiry: 60);
        Assert.Equal(MqttReasonCode.SessionTakenOver, (await peer.NextAsync<MqttDisconnectPacket>()).ReasonCode);
        scene.Store.Release();
        MqttPeer again = await next;
        Assert.True(again.Connack.SessionPresent);
        await again.PublishAsync("fleet/x", "alive");
    }

    [Fact]
    public async Task The_answer_says_honestly_what_is_not_there()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("");
        MqttProperties said = peer.Connack.Properties!;
        Assert.StartsWith("auto-", said.AssignedClientIdentifier, StringComparison.Ordinal);
        Assert.Null(said.MaximumQos);
        Assert.True(said.RetainAvailable);
        Assert.True(said.SharedSubscriptionAvailable);
        Assert.Equal((ushort)1024, said.ReceiveMaximum);
        Assert.Equal((uint)((4 << 20) + (128 << 10)), said.MaximumPacketSize);
    }

    [Fact]
    public async Task A_malformed_packet_ends_its_own_connection_only()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer good = await scene.ConnectAsync("good");
        await good.SubscribeAsync("a/#");
        MqttPeer bad = await scene.ConnectAsync("bad");
        await bad.RawAsync(0x30, 0x05, 0x00, 0x01, (byte)'#', 0x00, 0x31);
        Assert.NotNull(await bad.EndAsync());
        MqttPeer worse = scene.Dial();
        await worse.RawAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n"));
        await worse.EndAsync();
        Assert.Equal(MqttReasonCode.Success, (await good.PublishAsync("a/b", "1"))!.ReasonCode);
        Assert.Equal("a/b=1", await good.ReceiveAsync());
    }

    [Fact]
    public async Task A_connection_without_CONNECT_is_closed_after_a_while()
    {
        await using GatewayScene scene =
            await GatewayScene.OpenAsync(options: new MqttGatewayOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) });
        MqttPeer peer = scene.Dial();
        Assert.Null(await peer.EndAsync());
        Assert.Equal(0, scene.Gateway.Status.Connections);
    }

    [Fact]
    public async Task A_client_that_breaks_its_keep_alive_is_disconnected_and_its_will_published()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("wills/#");
        MqttPeer silent = scene.Dial();
        await silent.ConnectAsync("silent", keepAlive: 1,
            will: new MqttWill { Topic = "wills/silent", Payload = "gone"u8.ToArray(), Qos = MqttQos.AtLeastOnce });
        Assert.Equal(MqttReasonCode.KeepAliveTimeout, await silent.EndAsync());
        Assert.Equal("wills/silent=gone", await reader.ReceiveAsync());
    }

    [Fact]
    public async Task Who_says_goodbye_has_no_will()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("wills/#");
        MqttWill will = new() { Topic = "wills/a", Payload = "gone"u8.ToArray() };
        MqttPeer polite = scene.Dial();
        await polite.ConnectAsync("polite", will: will);
        await polite.DisconnectAsync();
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        MqttPeer rude = scene.Dial();
        await rude.ConnectAsync("rude", will: will);
        await rude.VanishAsync();
        Assert.Equal("wills/a=gone", await reader.ReceiveAsync());
    }

    [Fact]
    public async Task Draining_sends_everybody_elsewhere_and_commits_their_cursors()
    {
        await using GatewayScene scene =
            await GatewayScene.OpenAsync(options: new MqttGatewayOptions { CommitDelay = TimeSpan.FromHours(1) });
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await reader.PublishAsync("fleet/a", "1");
        await reader.ReceiveAsync();
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        await scene.Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(MqttReasonCode.ServerShuttingDown, await reader.EndAsync());
        StreamPartition partition = new(StreamPath.Parse("/fleet"), Partitioner.For(default, "a"u8, 4));
        Assert.Equal(new Offset(1), scene.Container.Cursor(ConsumerName.Parse("mqtt/reader"), partition)[scene.Container.Origin]);
        MqttPeer late = scene.Dial();
        await late.ConnectAsync("late");
        Assert.Equal(MqttReasonCode.ServerUnavailable, late.Connack.ReasonCode);
    }

    [Fact]
    public async Task Cursors_are_committed_while_the_client_is_connected()
    {
        await using GatewayScene scene =
            await GatewayScene.OpenAsync(options: new MqttGatewayOptions { CommitDelay = TimeSpan.FromMilliseconds(20) });
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await reader.PublishAsync("fleet/a", "1");
        await reader.ReceiveAsync();
        StreamPartition partition = new(StreamPath.Parse("/fleet"), Partitioner.For(default, "a"u8, 4));
        await Eventually.EqualAsync(1L, () =>
            scene.Container.Cursor(ConsumerName.Parse("mqtt/reader"), partition)[scene.Container.Origin].Value, "the cursor is committed");
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_told_that_the_server_is_busy()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { MaxConnections = 1 });
        await scene.ConnectAsync("first");
        Assert.Equal(MqttReasonCode.ServerBusy, (await scene.ConnectAsync("second")).Connack.ReasonCode);
    }

    [Fact]
    public async Task Events_that_are_more_than_the_client_takes_are_left_out_and_do_not_come_again()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = scene.Dial();
        await reader.ConnectAsync("small", maxPacket: 500);
        await reader.SubscribeAsync("a/#");
        MqttPeer writer = await scene.ConnectAsync("writer");
        await writer.PublishAsync("a/b", new string('x', 600));
        await writer.PublishAsync("a/b", "2");
        Assert.Equal("a/b=2", await reader.ReceiveAsync());
    }

    [Fact]
    public void Options_report_all_faults_together()
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(
            () => new MqttGatewayOptions { MaxConnections = 0, Patience = TimeSpan.Zero, MaxPacketBytes = 1 }.Validate());
        Assert.Equal(3, fault.Message.Split('\n').Length);
    }

    [Theory]
    [InlineData(MqttReasonCode.DisconnectWithWill, 0u)]
    [InlineData(MqttReasonCode.UnspecifiedError, 0u)]
    [InlineData(MqttReasonCode.Success, 60u)]
    public async Task The_will_is_taken_back_only_by_a_DISCONNECT_that_is_a_success(MqttReasonCode code, uint expiry)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("wills/#");
        MqttPeer leaving = scene.Dial();
        await leaving.ConnectAsync("leaving", will: new MqttWill { Topic = "wills/a", Payload = "gone"u8.ToArray() });

        // With an expiry it is a fault: the session began without one.
        MqttProperties? properties = expiry > 0 ? new MqttProperties { SessionExpiryInterval = expiry } : null;
        await leaving.SendAsync(new MqttDisconnectPacket { ReasonCode = code, Properties = properties });
        await leaving.EndAsync();
        Assert.Equal("wills/a=gone", await reader.ReceiveAsync());
    }

    [Fact]
    public async Task Nobody_may_send_much_before_CONNECT_was_understood()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer stranger = scene.Dial();

        // A CONNECT of 1 MiB, of which no more than the head is sent.
        await stranger.RawAsync(0x10, 0x80, 0x80, 0x40, 0x00, 0x04, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5);
        Assert.Null(await stranger.EndAsync());
        Assert.Contains(scene.Logs.Entries, e => e.Message.Contains("more than the maximum of 196608", StringComparison.Ordinal));
        MqttPeer known = await scene.ConnectAsync("known");
        Assert.Equal(MqttReasonCode.Success, (await known.PublishAsync("a/b", new string('x', 900_000)))!.ReasonCode);
    }

    [Theory]
    [InlineData("1003 0004 4d51 5454 04 03 0000 0001 61", "the reserved flag of a 3.1.1 CONNECT")]
    [InlineData("c000", "PINGREQ first")]
    [InlineData("4745 5420 2f20 4854 5450", "not MQTT at all")]
    public async Task What_is_no_CONNECT_is_closed_without_an_answer(string bytes, string what)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial(MqttVersion.V311);
        byte[] raw = Convert.FromHexString(bytes.Replace(" ", string.Empty, StringComparison.Ordinal));
        raw[1] = raw[0] == 0x10 ? (byte)(raw.Length - 2) : raw[1];
        await peer.RawAsync(raw);
        Assert.True(await peer.EndsWithoutAWordAsync(), what);
        Assert.Contains(scene.Logs.Entries, e => e.Message.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_is_told_to_go_elsewhere_when_what_it_reads_fails()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("fleet/#");
        scene.Store.ReadFailure = new TryAgainException("the lane is not here");
        await (await scene.ConnectAsync("writer")).PublishAsync("fleet/a", "1");
        Assert.Equal(MqttReasonCode.ServerShuttingDown, await reader.EndAsync());
    }
}
