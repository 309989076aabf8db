namespace Streams.Mqtt.Tests;

public class TopicAliasesTests
{
    [Fact]
    public void An_alias_stands_for_the_topic_it_was_last_set_with()
    {
        TopicAliases aliases = new(10);
        Assert.Equal("a", aliases.Resolve(Publish("a", 3)));
        Assert.Equal("b", aliases.Resolve(Publish("b", 10)));
        Assert.Equal("a", aliases.Resolve(Publish("", 3)));
        Assert.Equal("c", aliases.Resolve(Publish("c", 3)));
        Assert.Equal("c", aliases.Resolve(Publish("", 3)));
        Assert.Equal("b", aliases.Resolve(Publish("", 10)));
        Assert.Equal("plain", aliases.Resolve(Publish("plain", null)));
    }

    [Theory]
    [InlineData("a", 0, MqttReasonCode.TopicAliasInvalid)]
    [InlineData("a", 11, MqttReasonCode.TopicAliasInvalid)]
    [InlineData("", 11, MqttReasonCode.TopicAliasInvalid)]
    [InlineData("", 4, MqttReasonCode.ProtocolError)]
    [InlineData("", 9, MqttReasonCode.ProtocolError)]
    public void An_alias_out_of_range_or_never_set_is_refused(string topic, int alias, MqttReasonCode code)
    {
        TopicAliases aliases = new(10);
        aliases.Resolve(Publish("x", 5));
        Assert.Equal(code, Assert.Throws<MqttProtocolException>(() => aliases.Resolve(Publish(topic, (ushort)alias))).ReasonCode);
    }

    [Fact]
    public void Without_a_maximum_no_alias_is_taken()
    {
        Assert.Throws<MqttProtocolException>(() => new TopicAliases(0).Resolve(Publish("a", 1)));
        Assert.Throws<MqttProtocolException>(() => new TopicAliases(0).Resolve(Publish("", null)));
    }

    private static MqttPublishPacket Publish(string topic, ushort? alias) =>
        new() { Topic = topic, Properties = alias is null ? null : new MqttProperties { TopicAlias = alias } };
}
