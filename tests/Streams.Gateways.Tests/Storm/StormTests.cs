using System.Globalization;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>What a cluster does so that devices do not all come at once (decision 0009).</summary>
public sealed class StormTests
{
    private static readonly WeightedCluster[] Elsewhere = [new(ClusterName.Parse("ny"), 3), new(ClusterName.Parse("ldn"), 1)];

    [Fact]
    public void The_window_grows_with_the_devices_and_few_need_none()
    {
        SpreadRule rule = new(Elsewhere, 2000);
        Assert.Equal(TimeSpan.Zero, rule.Hint(0).Window);
        Assert.Equal(TimeSpan.Zero, rule.Hint(2000).Window);
        Assert.Equal(TimeSpan.FromSeconds(2), rule.Hint(4000).Window);
        Assert.Equal(TimeSpan.FromSeconds(50), rule.Hint(100_000).Window);
        Assert.Equal(SpreadHint.MaxWindow, rule.Hint(int.MaxValue).Window);
        Assert.Same(Elsewhere, rule.Hint(9).Elsewhere);
        Assert.False(SpreadRule.IsNews(rule.Hint(10_000), rule.Hint(12_000)));
        Assert.True(SpreadRule.IsNews(rule.Hint(10_000), rule.Hint(13_000)));
        Assert.True(SpreadRule.IsNews(rule.Hint(10_000), rule.Hint(7_000)));
        Assert.True(SpreadRule.IsNews(rule.Hint(2_001), rule.Hint(2_000)));
    }

    [Fact]
    public void A_crowd_is_let_in_at_the_rate_and_the_rest_is_told_one_moment_after_the_other()
    {
        AcceptBucket bucket = new(100, TimeSpan.FromSeconds(60));
        List<TimeSpan> told = [];
        int taken = 0;
        for (int i = 0; i < 1000; i++)
        {
            if (bucket.TryTake(TimeSpan.Zero) is { } wait)
            {
                told.Add(wait);
            }
            else
            {
                taken++;
            }
        }

        Assert.Equal(100, taken);
        Assert.Equal(Enumerable.Range(1, 900).Select(static i => TimeSpan.FromMilliseconds(10 * i)), told);

        // Who comes at its moment is let in.
        Assert.All(told, wait => Assert.Null(bucket.TryTake(wait)));
        Assert.NotNull(bucket.TryTake(told[^1]));
    }

    [Fact]
    public void Nobody_is_told_to_wait_longer_than_the_longest_wait()
    {
        AcceptBucket bucket = new(1, TimeSpan.FromSeconds(3));
        Assert.Null(bucket.TryTake(TimeSpan.Zero));
        Assert.Equal([1, 2, 3, 3, 3], Enumerable.Range(0, 5).Select(_ => bucket.TryTake(TimeSpan.Zero)!.Value.TotalSeconds));
    }

    [Fact]
    public async Task An_SDK_client_that_asks_is_told_where_to_go_and_again_when_that_changes()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(
            options: new MqttGatewayOptions { DevicesElsewhere = Elsewhere, DevicesPerSecond = 1 });
        MqttPeer sdk = scene.Dial();
        await sdk.SendAsync(new MqttConnectPacket
        {
            Version = MqttVersion.V5,
            ClientId = "car-17",
            CleanStart = true,
            Properties = new MqttProperties().Add(ProtocolTopics.HintsProperty, "1"),
        });
        await sdk.NextAsync<MqttConnackPacket>();
        SpreadHint hint = await HintAsync(sdk);
        Assert.Equal(TimeSpan.Zero, hint.Window);
        Assert.Equal(Elsewhere, hint.Elsewhere);

        MqttPeer plain = await scene.ConnectAsync("plain");
        await scene.ConnectAsync("another");
        scene.Gateway.Hints.Look();
        Assert.Equal(TimeSpan.FromSeconds(3), (await HintAsync(sdk)).Window);
        Assert.Equal(TimeSpan.FromSeconds(3), scene.Gateway.Status.HintedWindow);
        scene.Gateway.Hints.Look();
        Assert.True(await sdk.NothingBeforePingAsync<MqttPublishPacket>());
        Assert.True(await plain.NothingBeforePingAsync<MqttPublishPacket>());
    }

    [Fact]
    public async Task Connections_beyond_the_rate_are_told_when_to_come_again()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { AcceptRate = 1 });
        await scene.ConnectAsync("first");
        MqttPeer second = await scene.ConnectAsync("second");
        Assert.Equal(MqttReasonCode.ServerBusy, second.Connack.ReasonCode);
        string after = second.Connack.Properties!.FirstUserValue(ProtocolTopics.RetryAfterProperty)!;
        Assert.InRange(int.Parse(after, CultureInfo.InvariantCulture), 1, 1000);
        Assert.Contains($"come again in {after} ms", second.Connack.Properties.ReasonString, StringComparison.Ordinal);
        MqttPeer old = await scene.ConnectAsync("third", version: MqttVersion.V311);
        Assert.NotEqual(MqttReasonCode.Success, old.Connack.ReasonCode);
        await second.EndAsync();
        Assert.Contains("Too many connect at once", scene.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_many_connections_with_one_client_id_exactly_one_is_left()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer[] crowd = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(async () =>
        {
            MqttPeer peer;
            lock (scene)
            {
                peer = scene.Dial();
            }

            await peer.SendAsync(new MqttConnectPacket { Version = MqttVersion.V5, ClientId = "one", CleanStart = true });
            return peer;
        })));
        await Testing.Eventually.EqualAsync(1, () => scene.Gateway.Status.Connections, "one is left");
        Assert.Equal(1, scene.Gateway.Status.Sessions);
        Assert.Equal(40, crowd.Length);
    }

    [Fact]
    public void Faults_of_the_options_are_named()
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => new MqttGatewayOptions
        {
            AcceptRate = -1,
            DevicesPerSecond = 0,
            DevicesElsewhere = [new(ClusterName.Parse("ny"), 0)],
        }.Validate());
        Assert.Equal(3, fault.Message.Split('\n').Length);
        Assert.Contains("DevicesElsewhere 'ny': 0, must be 1 to 10000", fault.Message, StringComparison.Ordinal);
    }

    private static async Task<SpreadHint> HintAsync(MqttPeer peer)
    {
        MqttPublishPacket message = await peer.NextMessageAsync();
        Assert.Equal((ProtocolTopics.Hint, MqttQos.AtMostOnce), (message.Topic, message.Qos));
        return SpreadHint.Read(System.Buffers.BuffersExtensions.ToArray(message.Payload))!;
    }
}
