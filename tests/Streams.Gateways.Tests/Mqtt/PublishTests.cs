using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>What plain clients publish.</summary>
public sealed class PublishTests
{
    [Fact]
    public async Task The_acknowledgement_comes_only_after_the_flush()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        scene.Store.HoldAnswers();
        ushort id = await peer.PublishOnlyAsync("fleet/car-17/telemetry", "1"u8.ToArray());
        Assert.True(await peer.NothingBeforePingAsync<MqttPubackPacket>());
        scene.Store.Release();
        Assert.Equal(MqttReasonCode.Success, (await peer.PubackAsync(id)).ReasonCode);
    }

    [Fact]
    public async Task Many_messages_are_under_way_at_once_and_answered_in_their_order()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        for (int i = 1; i <= 500; i++)
        {
            await peer.PublishOnlyAsync($"fleet/car-17/{i % 7}", Encoding.UTF8.GetBytes($"{i}"));
        }

        for (ushort i = 1; i <= 500; i++)
        {
            await peer.PubackAsync(i);
        }

        Assert.Equal(500, Enumerable.Range(0, 4).Sum(p =>
            scene.Container.Lanes(new StreamPartition(StreamPath.Parse("/fleet"), new PartitionId(p)))
            .Sum(l => l.NextOffset.Value)));
    }

    [Theory]
    [InlineData("fleet/car-17/telemetry", "/fleet", "car-17/telemetry")]
    [InlineData("x", "/x", "")]
    [InlineData("/a/b", "/$root", "a/b")]
    [InlineData("/", "/$root", "")]
    [InlineData("a//b", "/a", "/b")]
    [InlineData("größe/ß", "/größe", "ß")]
    public void The_first_level_of_a_topic_is_its_stream(string topic, string stream, string rest)
    {
        Assert.True(TopicMap.TrySplit(topic, out StreamPath path, out ReadOnlyMemory<char> name, out _));
        Assert.Equal((stream, rest), (path.Value, name.ToString()));
        Span<byte> written = new byte[100];
        string prefix = TopicMap.Prefix(path)!;
        int length = TopicMap.Write(Encoding.UTF8.GetBytes(prefix), prefix.Length == 0, Encoding.UTF8.GetBytes(rest), written);
        Assert.Equal(topic, Encoding.UTF8.GetString(written[..length]));
    }

    [Theory]
    [InlineData("$SYS/load")]
    [InlineData("$mqtt/session")]
    [InlineData("$streams/v1/nonsense")]
    [InlineData("$streams/v2/hello")]
    [InlineData("fleet/")]
    [InlineData("a:b/c")]
    [InlineData("../c")]
    public async Task Topics_of_the_system_and_those_that_name_no_stream_are_refused(string topic)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        MqttPubackPacket answer = (await peer.PublishAsync(topic, "1"))!;
        Assert.Equal(MqttReasonCode.TopicNameInvalid, answer.ReasonCode);
        Assert.NotEmpty(answer.Properties!.ReasonString!);
        Assert.Equal(MqttReasonCode.Success, (await peer.PublishAsync("fleet/a", "1"))!.ReasonCode);
    }

    [Fact]
    public async Task What_a_3_1_1_client_may_not_publish_closes_its_connection()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("old", version: MqttVersion.V311);
        await peer.PublishOnlyAsync("$SYS/load", "1"u8.ToArray());
        Assert.Null(await peer.EndAsync());
        Assert.Contains(scene.Logs.Entries, e => e.Message.Contains("MQTT 3.1.1 cannot say", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Properties_go_with_the_event_and_come_back_with_the_delivery()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.SubscribeAsync("fleet/#", identifier: 9);
        MqttProperties properties = new()
        {
            ContentType = "text/plain",
            ResponseTopic = "fleet/answers",
            CorrelationData = new byte[] { 0, 255 },
            PayloadIsText = true,
        };
        await peer.PublishAsync("fleet/car-17", "hello", MqttQos.AtLeastOnce, properties.Add("unit", "km/h").Add("unit", "mph"));
        MqttPublishPacket message = await peer.NextMessageAsync();
        MqttProperties got = message.Properties!;
        Assert.Equal(("text/plain", "fleet/answers", true), (got.ContentType, got.ResponseTopic, got.PayloadIsText!.Value));
        Assert.Equal([0, 255], got.CorrelationData!);
        Assert.Equal([9u], got.SubscriptionIdentifiers);
        Assert.Equal([("unit", "km/h"), ("unit", "mph")], got.UserProperties.Select(p => (p.Name, p.Value)));
    }

    [Fact]
    public async Task Names_of_the_gateway_are_refused_in_user_properties()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        MqttPubackPacket answer = (await peer.PublishAsync("a/b", "1", properties: new MqttProperties().Add("mqtt.qos0", "")))!;
        Assert.Equal(MqttReasonCode.QuotaExceeded, answer.ReasonCode);
    }

    [Fact]
    public async Task Who_may_not_publish_is_told_so()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = (action, stream, topic) => action != AccessAction.Publish || (stream.Value == "/fleet" && topic == "mine");
        MqttPeer peer = await scene.ConnectAsync("car-17");
        Assert.Equal(MqttReasonCode.NotAuthorized, (await peer.PublishAsync("fleet/yours", "1"))!.ReasonCode);
        Assert.Equal(MqttReasonCode.Success, (await peer.PublishAsync("fleet/mine", "1"))!.ReasonCode);
    }

    [Fact]
    public async Task A_topic_alias_stands_for_its_topic()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1", properties: new MqttProperties { TopicAlias = 3 });
        await peer.PublishAsync("", "2", properties: new MqttProperties { TopicAlias = 3 });
        Assert.Equal(["fleet/a=1", "fleet/a=2"], [await peer.ReceiveAsync(), await peer.ReceiveAsync()]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [InlineData(null)]
    public async Task The_payload_format_is_given_on_as_it_was_published(bool? isText)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = await scene.ConnectAsync("car-17");
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1", properties: new MqttProperties { PayloadIsText = isText });
        Assert.Equal(isText, (await peer.NextMessageAsync()).Properties!.PayloadIsText);
    }

    [Theory]
    [InlineData(null, PlaceProperties.Auto, "stream partition origin offset", "unit")]
    [InlineData("auto", PlaceProperties.Always, "stream partition origin offset", "unit")]
    [InlineData("always", PlaceProperties.Auto, "stream partition origin offset", "unit stream partition origin offset")]
    [InlineData("never", PlaceProperties.Always, "", "unit")]
    [InlineData(null, PlaceProperties.Always, "stream partition origin offset", "unit stream partition origin offset")]
    [InlineData(null, PlaceProperties.Never, "", "unit")]
    public async Task A_message_names_its_place_when_the_option_or_else_the_client_says_so(string? asked, PlaceProperties option,
        string bare, string own)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { Places = option });
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car-17", more: p => _ = asked is null ? p : p.Add("place", asked));
        await peer.SubscribeAsync("fleet/#");
        await peer.PublishAsync("fleet/a", "1");
        await peer.PublishAsync("fleet/a", "2", properties: new MqttProperties().Add("unit", "km/h"));
        MqttProperties? first = (await peer.NextMessageAsync()).Properties;
        Assert.Equal(bare, string.Join(' ', first?.UserProperties.Select(p => p.Name) ?? []));
        Assert.Equal(own, string.Join(' ', (await peer.NextMessageAsync()).Properties!.UserProperties.Select(p => p.Name)));
        if (bare.Length > 0)
        {
            string partition = Partitioner.For(default, "a"u8, 4).ToString();
            Assert.Equal(["/fleet", partition, "sj.0000000000000001", "0"], first!.UserProperties.Select(p => p.Value));
        }
    }

    [Fact]
    public async Task A_word_for_the_place_that_is_none_is_refused_with_a_reason()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car-17", more: static p => p.Add("place", "sometimes"));
        Assert.Equal(MqttReasonCode.ImplementationSpecificError, peer.Connack.ReasonCode);
        Assert.Contains("'auto', 'always' or 'never'", peer.Connack.Properties!.ReasonString, StringComparison.Ordinal);
    }
}
