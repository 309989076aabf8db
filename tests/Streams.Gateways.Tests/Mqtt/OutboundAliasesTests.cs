using System.Text;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Topic aliases towards clients.</summary>
public sealed class OutboundAliasesTests
{
    [Fact]
    public void An_alias_is_set_once_and_used_from_then_on()
    {
        OutboundAliases aliases = new(2);
        Assert.Equal("1 set", Send(aliases, "fleet/car-1"));
        Assert.Equal("2 set", Send(aliases, "fleet/car-2"));
        Assert.Equal("1 used", Send(aliases, "fleet/car-1"));
        Assert.Equal("2 used", Send(aliases, "fleet/car-2"));
    }

    [Fact]
    public void The_topic_not_used_for_longest_loses_its_alias()
    {
        OutboundAliases aliases = new(2);
        Send(aliases, "fleet/car-1");
        Send(aliases, "fleet/car-2");
        Send(aliases, "fleet/car-1");
        Assert.Equal("2 set", Send(aliases, "fleet/car-3"));
        Assert.Equal("1 used", Send(aliases, "fleet/car-1"));
        Assert.Equal("2 set", Send(aliases, "fleet/car-2"));
    }

    [Fact]
    public void What_was_planned_and_not_sent_changes_nothing()
    {
        OutboundAliases aliases = new(1);
        Send(aliases, "fleet/car-1");
        AliasUse left = aliases.Plan("fleet/car-2"u8);
        Assert.Equal((1, false), (left.Alias, left.IsKnown));
        Assert.Equal("1 used", Send(aliases, "fleet/car-1"));
        Assert.Equal("1 set", Send(aliases, "fleet/car-2"));
    }

    [Theory]
    [InlineData(0, "fleet/car-1")]
    [InlineData(5, "a/b")]
    public void There_is_none_without_a_maximum_or_for_a_topic_that_is_as_short(int maximum, string topic) =>
        Assert.Equal("0 set", Send(new OutboundAliases(maximum), topic));

    [Fact]
    public void Topics_that_are_very_long_have_none() =>
        Assert.Equal("0 set", Send(new OutboundAliases(5), new string('x', OutboundAliases.MaxTopicBytes + 1)));

    // Against the table of a client, with many topics and some messages left out.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(256)]
    public void A_client_always_knows_which_topic_is_meant(int maximum)
    {
        Random chance = new(maximum);
        OutboundAliases aliases = new(maximum);
        TopicAliases client = new((ushort)maximum);
        for (int i = 0; i < 20_000; i++)
        {
            int car = (int)(chance.NextDouble() * chance.NextDouble() * 60);
            string topic = $"fleet/car-{car}" + new string('x', car);
            byte[] utf8 = Encoding.UTF8.GetBytes(topic);
            AliasUse use = aliases.Plan(utf8);
            Assert.InRange(use.Alias, 1, maximum);
            if (chance.Next(4) == 0)
            {
                continue;    // too large for the client
            }

            MqttPublishPacket packet = new()
            {
                Topic = use.IsKnown ? string.Empty : topic, Properties = new MqttProperties { TopicAlias = use.Alias },
            };
            Assert.Equal(topic, client.Resolve(packet));
            aliases.Sent(use, utf8);
        }
    }

    // MQTT-3.1.2-26, MQTT-3.1.2-27, MQTT-3.3.2-11: over a connection, by the bytes of the packets.
    [Theory]
    [InlineData(null, 16, "0 0 0 0 0")]
    [InlineData(0, 16, "0 0 0 0 0")]
    [InlineData(1, 16, "1 1 1- 1 1")]
    [InlineData(2, 16, "1 2 2- 1- 2-")]
    [InlineData(500, 1, "1 1 1- 1 1")]
    [InlineData(500, 0, "0 0 0 0 0")]
    public async Task A_client_gets_aliases_up_to_its_maximum_and_the_servers(int? taken, int allowed, string expected)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: new MqttGatewayOptions { AliasesToClient = allowed });
        MqttPeer writer = await scene.ConnectAsync("writer");
        MqttPeer reader = scene.Dial();
        await reader.ConnectAsync("reader", more: p => p.TopicAliasMaximum = (ushort?)taken);
        await reader.SubscribeAsync("#");
        List<string> seen = [];
        foreach (string topic in new[] { "fleet/car-1", "fleet/car-2", "fleet/car-2", "fleet/car-1", "fleet/car-2" })
        {
            await writer.PublishAsync(topic, "x");
            MqttPublishPacket message = await reader.NextMessageAsync();
            ushort alias = message.Properties?.TopicAlias ?? 0;
            seen.Add(message.Topic.Length == 0 ? $"{alias}-" : $"{alias}");
            Assert.True(message.Topic.Length == 0 || message.Topic == topic);
            await reader.AcknowledgeAsync(message);
        }

        Assert.Equal(expected, string.Join(' ', seen));
    }

    [Fact]
    public async Task An_alias_is_right_also_behind_messages_that_are_more_than_the_client_takes()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer writer = await scene.ConnectAsync("writer");
        MqttPeer reader = scene.Dial();
        await reader.ConnectAsync("reader", maxPacket: 200, more: static p =>
        {
            p.TopicAliasMaximum = 1;
            p.Add("place", "never");
        });
        await reader.SubscribeAsync("#");
        TopicAliases table = new(1);
        List<string> got = [];
        await SendAsync("fleet/car-1", 9);
        await writer.PublishAsync("fleet/car-2", new string('x', 300));
        await SendAsync("fleet/car-1", 9);
        await SendAsync("fleet/car-2", 9);

        // A packet of exactly 200 bytes: there is room for its topic and not for the alias as well.
        await SendAsync("fleet/car-3", 200 - (1 + 2) - (2 + 11) - 2 - 1);
        await SendAsync("fleet/car-2", 9);
        Assert.Equal(["car-1 set", "car-1 used", "car-2 set", "car-3 alone", "car-2 used"], got);

        async Task SendAsync(string topic, int size)
        {
            await writer.PublishAsync(topic, new string('x', size));
            MqttPublishPacket message = await reader.NextMessageAsync();
            await reader.AcknowledgeAsync(message);
            string how = message.Topic.Length == 0 ? "used" : message.Properties?.TopicAlias is null ? "alone" : "set";
            got.Add($"{table.Resolve(message)[6..]} {how}");
        }
    }

    private static string Send(OutboundAliases aliases, string topic)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(topic);
        AliasUse use = aliases.Plan(utf8);
        aliases.Sent(use, utf8);
        return $"{use.Alias} {(use.IsKnown ? "used" : "set")}";
    }
}
