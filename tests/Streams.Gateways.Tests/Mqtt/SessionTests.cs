using System.Buffers;
using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Sessions that outlive their connection, and connections that do not.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task A_kept_session_goes_on_with_the_next_message()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.False(reader.Connack.SessionPresent);
        await reader.SubscribeAsync("fleet/#", identifier: 5);
        MqttPeer writer = await scene.ConnectAsync("writer");
        await PublishAsync(writer, 1, 3);
        Assert.Equal(["fleet/a=1", "fleet/a=2", "fleet/a=3"], await ReceiveAsync(reader, 3));
        await reader.DisconnectAsync();
        await PublishAsync(writer, 4, 6);
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.True(back.Connack.SessionPresent);
        Assert.Equal(["fleet/a=4", "fleet/a=5", "fleet/a=6"], await ReceiveAsync(back, 3));
    }

    [Fact]
    public async Task What_was_not_acknowledged_comes_again()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await PublishAsync(await scene.ConnectAsync("writer"), 1, 3);
        await reader.ReceiveAsync();
        await reader.ReceiveAsync(acknowledge: false);
        await reader.ReceiveAsync(acknowledge: false);
        await reader.DisconnectAsync();
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.Equal(["fleet/a=2", "fleet/a=3"], await ReceiveAsync(back, 2));
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task A_kept_session_goes_on_at_another_cluster(MqttVersion version)
    {
        await using GatewayScene sj = await GatewayScene.OpenAsync("sj");
        await using GatewayScene ny = await GatewayScene.OpenAsync("ny");
        MqttPeer reader = await sj.ConnectAsync("reader", cleanStart: false, expiry: 600, version: version);
        await reader.SubscribeAsync("fleet/#");
        MqttPeer writer = await sj.ConnectAsync("writer");
        await PublishAsync(writer, 1, 4);
        Assert.Equal(["fleet/a=1", "fleet/a=2"], [await reader.ReceiveAsync(), await reader.ReceiveAsync()]);
        await reader.DisconnectAsync();
        await ny.CopyFromAsync(sj);
        MqttPeer moved = await ny.ConnectAsync("reader", cleanStart: false, expiry: 600, version: version);
        Assert.True(moved.Connack.SessionPresent);
        Assert.Equal(["fleet/a=3", "fleet/a=4"], await ReceiveAsync(moved, 2));
        await PublishAsync(await ny.ConnectAsync("writer"), 5, 5);
        Assert.Equal(["fleet/a=5"], await ReceiveAsync(moved, 1));

        // And back, with what was published at the other one.
        await moved.DisconnectAsync();
        await PublishAsync(writer, 6, 6);
        await sj.CopyFromAsync(ny);
        MqttPeer home = await sj.ConnectAsync("reader", cleanStart: false, expiry: 600, version: version);
        Assert.True(home.Connack.SessionPresent);
        Assert.Equal(["fleet/a=6"], await ReceiveAsync(home, 1));
        Assert.True(await home.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_clean_start_forgets_the_session()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await reader.DisconnectAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        await PublishAsync(writer, 1, 2);
        MqttPeer clean = await scene.ConnectAsync("reader", cleanStart: true, expiry: 600);
        Assert.False(clean.Connack.SessionPresent);
        await clean.SubscribeAsync("fleet/#");
        await PublishAsync(writer, 3, 3);
        Assert.Equal(["fleet/a=3"], await ReceiveAsync(clean, 1));
    }

    [Fact]
    public async Task A_session_without_expiry_ends_with_its_connection()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false);
        await reader.SubscribeAsync("fleet/#");
        await reader.DisconnectAsync();
        Assert.Null(scene.Container.Register(SessionRecord.Stream, SessionRecord.Key("reader")));
        Assert.False((await scene.ConnectAsync("reader", cleanStart: false)).Connack.SessionPresent);
    }

    [Fact]
    public async Task A_kept_session_that_comes_back_without_expiry_is_gone_on_with_once()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await reader.DisconnectAsync();
        await PublishAsync(await scene.ConnectAsync("writer"), 1, 1);
        MqttPeer last = await scene.ConnectAsync("reader", cleanStart: false);
        Assert.True(last.Connack.SessionPresent);
        Assert.Equal(["fleet/a=1"], await ReceiveAsync(last, 1));
        await last.DisconnectAsync();
        Assert.False((await scene.ConnectAsync("reader", cleanStart: false)).Connack.SessionPresent);
    }

    [Fact]
    public void A_session_expires_when_its_time_since_the_disconnect_has_passed()
    {
        DateTimeOffset gone = DateTimeOffset.FromUnixTimeSeconds(1_000_000);
        SessionRecord record =
            new() { ExpirySeconds = 60, GoneAt = gone.ToUnixTimeMilliseconds(), Owner = "o", Subscriptions = new SessionSubscriptions() };
        SessionRecord read = SessionRecordFormat.Read(SessionRecordFormat.Write(record))!;
        Assert.False(read.IsExpired(gone.AddSeconds(59)));
        Assert.True(read.IsExpired(gone.AddSeconds(60)));
    }

    [Fact]
    public async Task A_newer_connection_of_a_client_takes_over_with_what_was_acknowledged()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer older = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await older.SubscribeAsync("fleet/#");
        await PublishAsync(await scene.ConnectAsync("writer"), 1, 2);
        await older.ReceiveAsync();
        await older.ReceiveAsync(acknowledge: false);
        Assert.True(await older.NothingBeforePingAsync<MqttPublishPacket>());
        MqttPeer newer = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        Assert.Equal(MqttReasonCode.SessionTakenOver, await older.EndAsync());
        Assert.True(newer.Connack.SessionPresent);
        Assert.Equal(["fleet/a=2"], await ReceiveAsync(newer, 1));
        Assert.Equal(1, scene.Gateway.Status.PersistentSessions);
    }

    [Fact]
    public async Task A_record_and_its_starts_come_back_as_they_were_written()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        SessionSubscriptions subscriptions = new();
        StreamPartition partition = new(StreamPath.Parse("/fleet"), new PartitionId(3));
        Origin sj = Origin.Parse("sj.0000000000000001");
        subscriptions.Bases[partition] = Cursor.Start.With(sj, new Offset(5));
        subscriptions.Set(new Subscription("fleet/+/x", MqttQos.ExactlyOnce, 7, NoLocal: true)
        {
            RetainAsPublished = true,
            RetainHandling = MqttRetainHandling.DoNotSend,
            RetainedOwedFrom = "fleet/1/x",
            Starts = { [partition] = new() { [sj] = new Offset(9) } },
        });
        SessionRecord read = SessionRecordFormat.Read(SessionRecordFormat.Write(
            new SessionRecord { ExpirySeconds = 1, GoneAt = 0, Owner = "sj/1", Producer = new ProducerId(77), Subscriptions =
                subscriptions }))!;
        Subscription filter = Assert.Single(read.Subscriptions.All);
        Assert.Equal(("fleet/+/x", MqttQos.ExactlyOnce, 7u, true), (filter.Filter, filter.Qos, filter.Identifier, filter.NoLocal));
        Assert.Equal((true, MqttRetainHandling.DoNotSend, "fleet/1/x"),
            (filter.RetainAsPublished, filter.RetainHandling, filter.RetainedOwedFrom));
        Assert.Equal(new ProducerId(77), read.Producer);
        Assert.True(filter.IsBefore(partition, sj, new Offset(8)));
        Assert.False(filter.IsBefore(partition, sj, new Offset(9)));
        Assert.Equal(new Offset(5), read.Subscriptions.Bases[partition][sj]);
        Assert.Null(SessionRecordFormat.Read(new byte[] { 1, 2, 3 }));
    }

    [Fact]
    public void A_record_of_version_1_is_still_read()
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Byte(1);
        writer.UInt32(600);
        writer.UInt64(0);
        writer.Text("sj/1");
        writer.Varint(0);
        writer.Varint(0);
        writer.Varint(1);
        writer.Text("fleet/#");
        writer.Byte(5);
        writer.Varint(3);
        writer.Varint(0);
        SessionRecord read = SessionRecordFormat.Read(output.WrittenMemory)!;
        Subscription filter = Assert.Single(read.Subscriptions.All);
        Assert.Equal(("fleet/#", MqttQos.AtLeastOnce, 3u, true), (filter.Filter, filter.Qos, filter.Identifier, filter.NoLocal));
        Assert.Equal((600u, "sj/1", default), (read.ExpirySeconds, read.Owner, read.Producer));
        Assert.Null(filter.RetainedOwedFrom);
    }

    [Fact]
    public async Task A_rewind_in_the_log_reaches_the_connected_session()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600);
        await reader.SubscribeAsync("fleet/#");
        await PublishAsync(await scene.ConnectAsync("writer"), 1, 2);
        Assert.Equal(["fleet/a=1", "fleet/a=2"], await ReceiveAsync(reader, 2));
        StreamPartition partition = new(StreamPath.Parse("/fleet"), Partitioner.For(default, "a"u8, 4));
        Cursor rewound = new(new Generation(1, scene.Container.Origin), Cursor.Start.Positions, []);
        await scene.Container.CommitAsync(ConsumerName.Parse("mqtt/reader"), partition, rewound, default);
        Assert.Equal(["fleet/a=1", "fleet/a=2"], await ReceiveAsync(reader, 2));
    }

    private static async Task PublishAsync(MqttPeer writer, int first, int last)
    {
        for (int i = first; i <= last; i++)
        {
            Assert.Equal(MqttReasonCode.Success, (await writer.PublishAsync("fleet/a", $"{i}"))!.ReasonCode);
        }
    }

    private static async Task<List<string>> ReceiveAsync(MqttPeer reader, int count)
    {
        List<string> got = [];
        for (int i = 0; i < count; i++)
        {
            got.Add(await reader.ReceiveAsync());
        }

        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
        return got;
    }
}
