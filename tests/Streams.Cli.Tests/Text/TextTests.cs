namespace Streams.Cli.Tests;

public sealed class TextTests
{
    [Fact]
    public void Percentiles_are_within_two_percent_of_the_truth()
    {
        LatencyCounts counts = new();
        for (int i = 1; i <= 100_000; i++)
        {
            counts.Add(TimeSpan.FromMicroseconds(i * 7));
        }

        foreach (double percent in new[] { 1, 50, 90, 99, 99.9, 100 })
        {
            double truth = percent * 1000 * 7;
            Assert.InRange(counts.Percentile(percent).TotalMicroseconds, truth * 0.999, truth * 1.02);
        }

        Assert.Equal(TimeSpan.FromMicroseconds(700_000), counts.Most);
        Assert.Equal(100_000, counts.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(1_000_000_000_000)]
    public void A_single_duration_is_every_percentile(long microseconds)
    {
        LatencyCounts counts = new();
        counts.Add(TimeSpan.FromMicroseconds(microseconds));

        Assert.Equal(TimeSpan.FromMicroseconds(microseconds), counts.Percentile(50));
        Assert.Equal(TimeSpan.FromMicroseconds(microseconds), counts.Percentile(100));
    }

    [Fact]
    public void Without_any_the_percentile_is_nothing() => Assert.Equal(TimeSpan.Zero, new LatencyCounts().Percentile(50));

    [Theory]
    [InlineData(0, 10L, "stored [                              ]   0 %  0 of 10  0 per second")]
    [InlineData(5, 10L, "stored [###############               ]  50 %  5 of 10  3 per second")]
    [InlineData(12, 10L, "stored [##############################] 100 %  12 of 10  6 per second")]
    [InlineData(5, null, "stored 5  3 per second")]
    public void A_bar_shows_how_far_it_is(long done, long? of, string expected) =>
        Assert.Equal(expected, ProgressBar.Line("stored", done, of, TimeSpan.FromSeconds(2)));

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("2s", 2)]
    [InlineData("1.5m", 90)]
    [InlineData("1h", 3600)]
    [InlineData("1d", 86400)]
    public void Durations_have_a_unit(string text, double seconds)
    {
        Assert.True(Reading.Duration(text, out TimeSpan value, out _));
        Assert.Equal(seconds, value.TotalSeconds);
    }
}
