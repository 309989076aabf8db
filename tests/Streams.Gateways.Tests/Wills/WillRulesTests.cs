using Streams.Core;

namespace Streams.Gateways.Tests;

/// <summary>The decisions about a will, and its bytes.</summary>
public sealed class WillRulesTests
{
    private const long Now = 1_900_000_000_000;

    [Theory]
    [InlineData(0L, true, true, 60u, false, "killed, and back to its session within the delay")]
    [InlineData(0L, true, true, 0u, true, "killed, without a delay")]
    [InlineData(0L, true, false, 60u, true, "killed, and the session has ended")]
    [InlineData(0L, false, true, 0u, false, "at another cluster, not known to have ended")]
    [InlineData(0L, false, false, 0u, false, "at another cluster, not known to have ended, clean start")]
    [InlineData(-59_000L, true, true, 60u, false, "within the delay")]
    [InlineData(-60_000L, true, true, 60u, true, "the delay has passed, it was only not published yet")]
    [InlineData(-59_000L, true, false, 60u, true, "within the delay, but the session has ended")]
    [InlineData(-59_000L, false, true, 60u, false, "gone elsewhere, within the delay")]
    [InlineData(-59_000L, false, false, 60u, true, "gone elsewhere, clean start")]
    [InlineData(5_000L, true, true, 60u, false, "the clock was set back")]
    public void What_a_new_connection_does_with_the_will_of_the_earlier_one(long goneAt, bool isOurs, bool goesOn, uint delay, bool publish,
        string why)
    {
        WillRecord will = Will(delay, 600) with { GoneAt = goneAt == 0 ? 0 : Now + goneAt };
        WillFate fate = WillRules.OnConnect(will, isOurs, goesOn, Now);
        Assert.True(publish == (fate == WillFate.Publish), why);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("sj.0000000000000001/a", true)]
    [InlineData("ny.0000000000000001/b", false)]
    public void A_session_that_another_connection_has_cancels_the_will(string? owner, bool publish) =>
        Assert.Equal(publish, WillRules.OnDue(Will(60, 600), owner) == WillFate.Publish);

    [Theory]
    [InlineData(0L, 0, 60)]
    [InlineData(-20_000L, 0, 40)]
    [InlineData(-90_000L, 0, 0)]
    [InlineData(-90_000L, 10, 10)]
    [InlineData(9_000_000L, 0, 60)]
    public void What_is_left_of_a_delay_after_a_restart(long goneAt, int least, int left)
    {
        WillRecord will = Will(60, 600) with { GoneAt = goneAt == 0 ? 0 : Now + goneAt };
        Assert.Equal(TimeSpan.FromSeconds(left), WillRules.Left(will, Now, TimeSpan.FromSeconds(least)));
    }

    [Theory]
    [InlineData(60u, 30u, 30)]
    [InlineData(30u, 60u, 30)]
    [InlineData(60u, 0u, 0)]
    [InlineData(60u, uint.MaxValue, 60)]
    public void A_will_waits_the_shorter_of_its_delay_and_its_sessions_life(uint delay, uint expiry, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Will(delay, expiry).Delay);

    [Theory]
    [InlineData("sj.0000000000000002/x", true)]
    [InlineData("sjx.0000000000000002/x", false)]
    [InlineData("sj", false)]
    public void An_owner_is_of_a_cluster_in_whatever_incarnation(string owner, bool isAt) =>
        Assert.Equal(isAt, WillRules.IsAt(owner, ClusterName.Parse("sj")));

    [Fact]
    public void The_bytes_of_a_will_come_back_and_any_that_are_cut_do_not()
    {
        WillRecord will = Will(60, 600) with { GoneAt = 77, Retain = true, Headers = new byte[] { 1, 2 }, Payload = new byte[] { 3 } };
        byte[] bytes = WillRecordFormat.Write(will);
        WillRecord read = WillRecordFormat.Read(bytes)!;
        Assert.Equal(will with { Headers = default, Payload = default }, read with { Headers = default, Payload = default });
        Assert.Equal([1, 2, 3], read.Headers.ToArray().Concat(read.Payload.ToArray()));
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Null(WillRecordFormat.Read(bytes.AsMemory(0, length)));
        }

        bytes[0]++;
        Assert.Null(WillRecordFormat.Read(bytes));
    }

    [Fact]
    public void Places_are_used_again_from_the_lowest()
    {
        PlacePool places = new();
        Assert.Equal([0, 1, 2], [places.Take(), places.Take(), places.Take()]);
        places.Free(2);
        places.Free(0);
        Assert.True(places.IsTaken(1));
        Assert.False(places.IsTaken(0));
        Assert.False(places.IsTaken(3));
        Assert.Equal([0, 2, 3], [places.Take(), places.Take(), places.Take()]);
    }

    private static WillRecord Will(uint delay, uint expiry) => new()
    {
        ClientId = "car", Owner = "sj.0000000000000001/a", DelaySeconds = delay, ExpirySeconds = expiry, Topic = "wills/car",
        Identity = new EventIdentity(ProducerId.ForName("x"), 5, 9),
    };
}
