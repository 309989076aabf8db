using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>What answers carry beside their codes, and what not.</summary>
public sealed class RepliesTests
{
    private static readonly string s_longStream = new('x', 200);

    [Fact]
    public async Task A_client_that_wants_no_reasons_gets_codes_only_except_where_the_standard_allows_more()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, _) => action is AccessAction.Connect or AccessAction.Deliver;
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("terse", more: static p => p.RequestProblemInformation = false);
        MqttPubackPacket puback = (await peer.PublishAsync("a/b", "1"))!;
        Assert.Equal((MqttReasonCode.NotAuthorized, null), (puback.ReasonCode, puback.Properties));
        MqttSubackPacket suback = await SubscribeAsync(peer);
        Assert.Equal(MqttReasonCode.NotAuthorized, Assert.Single(suback.ReasonCodes));
        Assert.Null(suback.Properties);
        await scene.Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        Assert.NotEmpty((await peer.NextAsync<MqttDisconnectPacket>()).Properties!.ReasonString!);
    }

    [Fact]
    public async Task An_SDK_that_wants_no_reasons_is_still_told_where_its_batch_stands()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car-17", more: static p =>
        {
            p.RequestProblemInformation = false;
            p.Add(ProtocolTopics.HintsProperty, "1");
        });
        await peer.MessageAsync(ProtocolTopics.Hint);
        ProducerId car = ProducerId.ForName("car-17");
        await peer.HelloAsync(car);
        Assert.Equal($"1-3@{scene.Container.Origin}:0", await peer.ProduceAsync(SdkPeer.Batch(car, 1, 3)));
        Assert.Equal("0x83 ", await peer.ProduceAsync(SdkPeer.Batch(car, 9, 1, after: 8)));
    }

    [Fact]
    public async Task Reasons_that_make_an_answer_larger_than_the_client_takes_are_left_out()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, _) => action == AccessAction.Connect;
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("small", maxPacket: 64);
        MqttPubackPacket brief = (await peer.PublishAsync("a/b", "1"))!;
        Assert.NotEmpty(brief.Properties!.ReasonString!);
        MqttPubackPacket cut = (await peer.PublishAsync(s_longStream + "/b", "1"))!;
        Assert.Equal((MqttReasonCode.NotAuthorized, null), (cut.ReasonCode, cut.Properties));
        await peer.PublishOnlyAsync(s_longStream + "/b", "1"u8.ToArray(), MqttQos.ExactlyOnce);
        MqttPubrecPacket pubrec = await peer.NextAsync<MqttPubrecPacket>();
        Assert.Equal((MqttReasonCode.NotAuthorized, null), (pubrec.ReasonCode, pubrec.Properties));
    }

    [Fact]
    public async Task A_client_that_cannot_take_the_answer_at_all_is_disconnected()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("small", maxPacket: 50);
        MqttSubscription[] many = [.. Enumerable.Range(0, 60).Select(static i => new MqttSubscription($"a/{i}"))];
        await peer.SendAsync(new MqttSubscribePacket { PacketId = 1, Subscriptions = many });
        Assert.Equal(MqttReasonCode.PacketTooLarge, await peer.EndAsync());
    }

    private static async Task<MqttSubackPacket> SubscribeAsync(MqttPeer peer)
    {
        await peer.SendAsync(new MqttSubscribePacket { PacketId = 7, Subscriptions = [new MqttSubscription("a/#")] });
        return await peer.NextAsync<MqttSubackPacket>();
    }
}
