using Streams.Core;

namespace Streams.Geo.Tests;

public class LossRuleTests
{
    private static readonly ClusterName B = ClusterName.Parse("b");
    private static readonly ClusterName C = ClusterName.Parse("c");
    private static readonly LaneId Lane = new(new StreamPartition(StreamPath.Parse("/fleet"), default),
        new Origin(ClusterName.Parse("a"), new Incarnation(1)));

    private readonly LossRule _rule = new(TimeSpan.FromSeconds(30), TimeSpan.FromHours(1));

    [Fact]
    public void What_every_neighbour_lacks_is_lost_after_the_grace_and_not_before()
    {
        Assert.Empty(Decide(0, [B, C], Range(5, 9)));
        _rule.Lacked(B, Range(5, 9));
        _rule.Lacked(C, Range(5, 7));
        Assert.Empty(Decide(29, [B, C], Range(5, 9)));
        Assert.Empty(Decide(31, [B, C], Range(5, 9)));
        _rule.Lacked(C, Range(7, 9));
        var (range, why) = Assert.Single(Decide(32, [B, C], Range(5, 9)));
        Assert.Equal((Range(5, 9), "no neighbour has them: b, c"), (range, why));
    }

    [Fact]
    public void A_neighbour_that_cannot_be_asked_is_waited_for_until_the_limit()
    {
        Decide(0, [B, C], Range(5, 9));
        _rule.Lacked(B, Range(5, 9));
        Assert.Empty(Decide(3599, [B, C], Range(5, 9)));
        Assert.Contains("nobody gave them back", Assert.Single(Decide(3600, [B, C], Range(5, 9))).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_neighbours_the_grace_alone_counts_and_what_is_lost_is_not_declared_again()
    {
        Assert.Empty(Decide(0, [], Range(5, 9)));
        Assert.Equal("there is no neighbour to ask", Assert.Single(Decide(30, [], Range(5, 9))).Why);
        Assert.Empty(Decide(60, [], Range(5, 9) with { IsLost = true }));
    }

    [Fact]
    public void An_answer_counts_no_longer_when_the_lane_was_whole_in_between()
    {
        Decide(0, [B], Range(5, 9));
        _rule.Lacked(B, Range(5, 9));
        Decide(20, [B]);
        Assert.Empty(Decide(40, [B], Range(5, 9)));
        Assert.Empty(Decide(80, [B], Range(5, 9)));
        _rule.Lacked(B, Range(4, 9));
        Assert.Single(Decide(80, [B], Range(5, 9)));
    }

    private static DamagedRange Range(long first, long next) => new(Lane, new(first), new(next));

    private IReadOnlyList<(DamagedRange Range, string Why)> Decide(int seconds, ClusterName[] neighbours, params DamagedRange[] damaged) =>
        _rule.Decide(damaged, neighbours, TimeSpan.FromSeconds(seconds));
}
