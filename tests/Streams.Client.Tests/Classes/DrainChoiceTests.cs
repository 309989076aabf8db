namespace Streams.Client.Tests;

public sealed class DrainChoiceTests
{
    private readonly DrainChoice _choice = new(behind: 1000, room: 500);

    [Fact]
    public void Without_a_backlog_at_the_connect_nothing_passes_however_much_waits_later()
    {
        _choice.Connection(isUp: true);
        Assert.False(_choice.Passes(main: 999, passing: 0));
        Assert.False(_choice.Passes(main: 100_000, passing: 0));
    }

    [Fact]
    public void A_backlog_is_passed_until_neither_has_anything_waiting()
    {
        Assert.False(_choice.Passes(5000, 0));           // no cluster yet
        _choice.Connection(isUp: true);
        Assert.True(_choice.Passes(5000, 0));
        Assert.True(_choice.Passes(10, 300));
        Assert.True(_choice.Passes(0, 100));
        Assert.False(_choice.Passes(0, 0));
        Assert.False(_choice.Passes(5000, 0));
    }

    [Fact]
    public void What_is_published_without_a_cluster_joins_the_backlog_and_the_next_connect_decides_anew()
    {
        _choice.Connection(isUp: true);
        Assert.True(_choice.Passes(5000, 0));
        _choice.Connection(isUp: false);
        Assert.False(_choice.Passes(5000, 100));
        _choice.Connection(isUp: true);
        Assert.True(_choice.Passes(6000, 100));
        _choice.Connection(isUp: false);
        _choice.Connection(isUp: true);
        Assert.False(_choice.Passes(900, 0));
    }

    [Fact]
    public void What_has_no_room_to_pass_joins_the_backlog()
    {
        _choice.Connection(isUp: true);
        Assert.True(_choice.Passes(5000, 499));
        Assert.False(_choice.Passes(5000, 500));
        Assert.True(_choice.Passes(5000, 400));
    }
}
