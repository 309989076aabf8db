using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>The user property <c>start</c> of SUBSCRIBE.</summary>
public sealed class SubscriptionStartTests
{
    private static readonly StreamPartition Partition = new(StreamPath.Parse("/fleet"), new PartitionId(0));

    private static readonly LaneStatus Lane = new(new LaneId(Partition, new Origin(ClusterName.Parse("sj"), new Incarnation(1))),
        new EntryNumber(10), new EntryNumber(20), new Offset(10), new Offset(20), 1);

    [Theory]
    [InlineData("latest", 20)]
    [InlineData("earliest", 10)]
    [InlineData("offset:0", 10)]
    [InlineData("offset:15", 15)]
    [InlineData("offset:25", 25)]
    [InlineData("time:2026-01-31T08:30:00Z", 15)]
    [InlineData("time:2026-01-31T08:30:00.25+01:00", 15)]
    [InlineData("time:2026-01-31", 15)]
    [InlineData("cursor:billing", 15)]
    [InlineData("cursor:mqtt/car:17", 15)]
    public void It_is_read_and_says_where_a_lane_is_begun(string word, long offset)
    {
        MqttProperties properties = new MqttProperties().Add("other", "x").Add("start", word);
        Assert.True(SubscriptionStart.TryRead(properties, out SubscriptionStart start, out _));
        Assert.Equal(new Offset(offset), start.In(Lane, found: new Offset(15)));
        Assert.True(start.In(Lane, found: new Offset(3)) >= Lane.FirstOffset);
    }

    [Fact]
    public void A_time_without_a_zone_is_universal_and_a_cursor_is_the_rest_of_the_word()
    {
        SubscriptionStart.TryRead(new MqttProperties().Add("start", "time:2026-01-31T08:30"), out SubscriptionStart time, out _);
        Assert.Equal(new DateTimeOffset(2026, 1, 31, 8, 30, 0, TimeSpan.Zero), time.Time);
        SubscriptionStart.TryRead(new MqttProperties().Add("start", "cursor:mqtt/car:17"), out SubscriptionStart cursor, out _);
        Assert.Equal("mqtt/car:17", cursor.Consumer.Value);
    }

    [Fact]
    public void Without_it_a_subscription_begins_with_what_comes()
    {
        Assert.True(SubscriptionStart.TryRead(null, out SubscriptionStart start, out string? fault));
        Assert.Equal((StartKind.Latest, null), (start.Kind, fault));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Latest")]
    [InlineData("latest:")]
    [InlineData("earliest:1")]
    [InlineData("offset")]
    [InlineData("offset:")]
    [InlineData("offset:-1")]
    [InlineData("offset: 1")]
    [InlineData("offset:9223372036854775808")]
    [InlineData("time:yesterday")]
    [InlineData("time:08:30")]
    [InlineData("cursor:")]
    [InlineData("beginning")]
    public void What_is_none_is_answered_with_what_would_be_right(string word)
    {
        Assert.False(SubscriptionStart.TryRead(new MqttProperties().Add("start", word), out _, out string? fault));
        Assert.Equal($"start '{word}' must be 'latest', 'earliest', 'offset:N' (0 or more), 'time:2026-01-31T08:30:00Z' or 'cursor:NAME'",
            fault);
    }

    [Fact]
    public void Two_of_them_are_refused() => Assert.False(
        SubscriptionStart.TryRead(new MqttProperties().Add("start", "latest").Add("start", "latest"), out _, out _));
}
