using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Which retained messages a subscription is sent.</summary>
public sealed class RetainedRuleTests
{
    private static readonly Origin Sj = new(ClusterName.Parse("sj"), new Incarnation(1));
    private static readonly LaneId Lane = new(new StreamPartition(StreamPath.Parse("/fleet"), new PartitionId(0)), Sj);

    /// <summary>5: MQTT-3.3.1-9, -10, -11.</summary>
    [Theory]
    [InlineData(MqttRetainHandling.Send, true, true)]
    [InlineData(MqttRetainHandling.Send, false, true)]
    [InlineData(MqttRetainHandling.SendIfNew, true, true)]
    [InlineData(MqttRetainHandling.SendIfNew, false, false)]
    [InlineData(MqttRetainHandling.DoNotSend, true, false)]
    [InlineData(MqttRetainHandling.DoNotSend, false, false)]
    public void Retain_handling_is_asked(MqttRetainHandling handling, bool isNew, bool sent) =>
        Assert.Equal(sent, RetainedRule.AreSent(handling, isNew));

    // The lane has [10, 20) here; the filter begins at its start, the session is at its position.
    [Theory]
    [InlineData(9, 5, 0, false)]     // retention has taken it
    [InlineData(10, 5, 0, true)]
    [InlineData(15, 15, 0, true)]
    [InlineData(14, 15, 0, false)]   // passed
    [InlineData(19, 15, 0, true)]
    [InlineData(20, 15, 0, false)]   // of a lane that has not come so far, or never will
    [InlineData(17, 15, 18, false)]  // before the filter
    [InlineData(18, 15, 18, true)]
    public void What_the_lane_still_gives_is_not_sent_as_retained(long offset, long position, long start, bool comes)
    {
        Subscription subscription = new("fleet/#", MqttQos.AtLeastOnce, 0, false)
        {
            Starts = new() { [Lane.Partition] = new() { [Sj] = new Offset(start) } },
        };
        RetainedHead head = new("a"u8.ToArray(), Lane, new Offset(offset), 1, true);
        Assert.Equal(comes, RetainedRule.ComesFromLane(subscription, head, new Offset(position), new Offset(10), new Offset(20)));
    }
}
