namespace Streams.EdgeAgent.Tests;

public sealed class FigureTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_history_keeps_no_more_than_it_has_room_for()
    {
        SampleHistory history = new(3);
        for (int i = 0; i < 5; i++)
        {
            history.Add(At(i, i));
        }

        Assert.Equal([2L, 3L, 4L], history.All.Select(s => s.Taken));
    }

    [Fact]
    public void A_clock_that_is_set_back_begins_a_new_history()
    {
        SampleHistory history = new(3);
        history.Add(At(10, 100));
        history.Add(At(5, 101));

        Assert.Equal([101L], history.All.Select(s => s.Taken));
    }

    [Fact]
    public void Rates_are_of_a_second_and_never_below_nothing()
        => Assert.Equal([5.0, 0.0], SampleHistory.Rates([At(0, 100), At(2, 110), At(4, 0)]));

    [Fact]
    public void A_plot_goes_from_nothing_to_the_highest()
    {
        string svg = Plot.Draw([0, 10, 5], "10");

        Assert.Contains("points=\"0,79 280,15 560,47 \"", svg, StringComparison.Ordinal);
        Assert.Contains(">10</text>", svg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("20000000", null, 10.0)]
    [InlineData("20000000", "17", 10.0)]
    [InlineData("20000000", "18", null)]
    [InlineData("soon", null, null)]
    public void The_service_manager_is_told_twice_in_the_time_it_waits(string? microseconds, string? process, double? seconds)
        => Assert.Equal(seconds, ServiceNotice.Interval(microseconds, process, 17)?.TotalSeconds);

    private static Sample At(int seconds, long taken) => new(Noon.AddSeconds(seconds), 0, 0, taken, 0);
}
