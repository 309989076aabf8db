namespace Streams.Simulation;

/// <summary>A reconnect storm after the loss of a large cluster, played with the product's own decisions (decision 0009).</summary>
public sealed class StormTests
{
    private static readonly StormOptions Options = new() { Devices = 20_000, HandshakesPerSecond = 500, AcceptRate = 400 };

    [Fact]
    public void Hints_spread_a_storm_to_a_tenth_and_serve_everybody_in_time()
    {
        StormFigures without = new StormWorld(Options, hints: false).Run();
        StormFigures with = new StormWorld(Options, hints: true).Run();
        Assert.True(StormProgram.PeakFalls(without, with), $"with hints {with}, without {without}");
        Assert.True(StormProgram.AllServed(Options, with), $"{with}");
        Assert.True(without.Peak > Options.AcceptRate * StormProgram.MustFallTo, $"no herd without hints: {without}");
        Assert.True(without.Unanswered > Options.Devices / 2, $"the herd trampled nobody: {without}");
        Assert.Equal(Options.Devices, with.Home);
        Assert.True(with.PeakBack <= Options.AcceptRate * 2, $"going back was a storm of its own: {with}");
    }

    [Fact]
    public void A_seed_plays_the_same_storm_again_and_another_seed_another()
    {
        StormOptions small = Options with { Devices = 2_000, HandshakesPerSecond = 50, AcceptRate = 40 };
        StormFigures first = new StormWorld(small, hints: true).Run();
        Assert.Equal(first.BySecond, new StormWorld(small, hints: true).Run().BySecond);
        Assert.NotEqual(first.BySecond, new StormWorld(small with { Seed = 2 }, hints: true).Run().BySecond);
    }

    [Fact]
    public void The_program_prints_both_runs_and_its_exit_code_is_the_verdict()
    {
        using StringWriter output = new();
        Assert.Equal(0, StormProgram.Run(Options, output));
        Assert.Contains("holds", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("FAILS", output.ToString(), StringComparison.Ordinal);

        // Clusters that take so few cannot serve all within two minutes, hints or not.
        Assert.Equal(1, StormProgram.Run(Options with { AcceptRate = 30, Hints = StormHints.On }, TextWriter.Null));
    }
}
