using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>The message expiry interval of MQTT 5.</summary>
public sealed class ExpiryTests
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");

    /// <summary>MQTT-3.3.2-5, MQTT-3.3.2-6.</summary>
    [Theory]
    [InlineData(null, 0, 1_000_000_000, true, null)]
    [InlineData(60u, 0, 0, true, 60u)]
    [InlineData(60u, 0, 999_999, true, 60u)]
    [InlineData(60u, 0, 1_000_000, true, 59u)]
    [InlineData(60u, 0, 59_999_999, true, 1u)]
    [InlineData(60u, 0, 60_000_000, false, 60u)]
    [InlineData(0u, 5, 5, false, 0u)]
    [InlineData(60u, 100_000_000, 0, true, 60u)]                       // this clock is behind: nothing has passed
    [InlineData(uint.MaxValue, long.MinValue, long.MaxValue, false, uint.MaxValue)]
    [InlineData(uint.MaxValue, long.MaxValue, long.MinValue, true, uint.MaxValue)]
    public void The_interval_is_lessened_by_the_time_that_passed(uint? seconds, long timestamp, long now, bool inTime, uint? left)
    {
        Assert.Equal(inTime, MessageExpiry.TryGetLeft(seconds, timestamp, now, out uint? found));
        Assert.Equal(left, found);
    }

    /// <summary>MQTT-3.3.2-5, MQTT-3.3.2-6: to standing subscriptions, and the cursor goes past what is not delivered.</summary>
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task An_event_that_expired_is_not_delivered_and_the_cursor_moves_past_it(MqttVersion version)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600, version: version);
        await reader.PublishAsync("fleet/b", "the stream is there");
        await reader.SubscribeAsync("fleet/a");
        await reader.DisconnectAsync();
        await AppendAsync(scene, "too late", 60, secondsAgo: 100);
        await AppendAsync(scene, "in time", 3600, secondsAgo: 100);
        await AppendAsync(scene, "too late as well", 100, secondsAgo: 100);
        MqttPeer back = await scene.ConnectAsync("reader", cleanStart: false, expiry: 600, version: version);
        MqttPublishPacket given = await back.NextMessageAsync();
        Assert.Equal("in time", Encoding.UTF8.GetString(given.Payload));
        if (version == MqttVersion.V5)
        {
            Assert.InRange(given.Properties!.MessageExpiryInterval!.Value, 3400u, 3500u);
        }

        Assert.True(await back.NothingBeforePingAsync<MqttPublishPacket>());
        await back.AcknowledgeAsync(given);
        await back.DisconnectAsync();
        Cursor cursor = scene.Container.Cursor(ConsumerName.Parse("mqtt/reader"), Partition);
        Assert.Equal(scene.Container.Lanes(Partition)[0].NextOffset, cursor[scene.Container.Origin]);
    }

    /// <summary>MQTT-3.3.2-5, MQTT-3.3.2-6: of retained messages too.</summary>
    [Fact]
    public async Task A_retained_message_that_expired_is_not_sent_and_another_has_what_is_left()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.PublishAsync("fleet/b", "for ever", retain: true);
        await AppendAsync(scene, "in time", 3600, secondsAgo: 100, isRetained: true);
        await reader.SubscribeAsync("fleet/a");
        MqttPublishPacket given = await reader.NextMessageAsync();
        Assert.Equal(("in time", true), (Encoding.UTF8.GetString(given.Payload), given.Retain));
        Assert.InRange(given.Properties!.MessageExpiryInterval!.Value, 3400u, 3500u);
        await reader.AcknowledgeAsync(given);
        await AppendAsync(scene, "too late", 60, secondsAgo: 90, isRetained: true);
        await reader.UnsubscribeAsync("fleet/a");
        await reader.SubscribeAsync("fleet/#");
        Assert.Equal("r:fleet/b=for ever", await reader.ReceiveFlaggedAsync());
        Assert.True(await reader.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task A_message_that_does_not_wait_is_given_with_its_whole_interval()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1", properties: new MqttProperties { MessageExpiryInterval = 3600 });
        Assert.InRange((await peer.NextMessageAsync()).Properties!.MessageExpiryInterval!.Value, 3580u, 3600u);
    }

    private static StreamPartition Partition => new(Fleet, Partitioner.For(default, "a"u8, 4));

    // As if it had been published then.
    private static async Task AppendAsync(GatewayScene scene, string payload, uint expiry, int secondsAgo, bool isRetained = false)
    {
        byte[] headers = MqttHeaders.Encode(new MqttProperties { MessageExpiryInterval = expiry }, MqttQos.AtLeastOnce, null);
        DateTimeOffset at = TimeProvider.System.GetUtcNow().AddSeconds(-secondsAgo);
        await scene.Container.AppendPlainAsync(Partition, new PlainEvent("a"u8.ToArray(), default, headers, Encoding.UTF8.GetBytes(payload),
            (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, isRetained), default);
    }
}
