using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

public sealed class CatalogCrashTests
{
    private readonly CollectingLogger _logger = new();

    [Fact]
    public void After_a_crash_at_any_step_of_the_first_start_the_directory_starts()
    {
        int step = 0;
        while (true)
        {
            using TemporaryDirectory directory = new();
            CatalogOptions options = OptionsIn(directory);
            if (!CrashAt(step++, options, new Incarnation(7)))
            {
                break;
            }

            using LocalCatalog again = LocalCatalog.Open(options, _logger);
            IncarnationDecision decision = IncarnationDecision.Decide(WithItsStore(again));
            Assert.True(decision.Reason is IncarnationReason.NewDirectory or IncarnationReason.PlainRestart, $"step {step}: {decision}");
            again.Begin(new Incarnation(8), 0, 0);
        }

        Assert.True(step > 8, $"only {step} steps were tried");
    }

    [Fact]
    public void After_a_crash_at_any_step_of_a_restart_the_incarnation_goes_on()
    {
        using TemporaryDirectory directory = new();
        CatalogOptions options = OptionsIn(directory);
        CrashAt(int.MaxValue, options, new Incarnation(7));
        int step = 0;
        while (CrashAt(step++, options, new Incarnation(7)))
        {
            AssertGoesOn(options, new Incarnation(7), step);
        }

        Assert.True(step > 5, $"only {step} steps were tried");
    }

    [Fact]
    public void After_a_crash_at_any_step_of_opening_an_incarnation_it_is_the_old_or_the_new_one()
    {
        int step = 0;
        bool crashed = true;
        while (crashed)
        {
            using TemporaryDirectory directory = new();
            CatalogOptions options = OptionsIn(directory);
            CrashAt(int.MaxValue, options, new Incarnation(7));
            crashed = CrashAt(step++, options, new Incarnation(9));

            using LocalCatalog again = LocalCatalog.Open(options, _logger);
            Assert.Equal(IncarnationReason.PlainRestart, IncarnationDecision.Decide(WithItsStore(again)).Reason);
            Assert.Contains(again.Current!.Incarnation.Value, new ulong[] { 7, 9 });
        }

        Assert.True(step > 5, $"only {step} steps were tried");
    }

    private static CatalogOptions OptionsIn(TemporaryDirectory directory) =>
        new() { Cluster = ClusterName.Parse("sj"), DataDirectory = directory.Combine("data") };

    private void AssertGoesOn(CatalogOptions options, Incarnation expected, int step)
    {
        using LocalCatalog again = LocalCatalog.Open(options, _logger);
        IncarnationDecision decision = IncarnationDecision.Decide(WithItsStore(again));
        Assert.True(decision.Reason == IncarnationReason.PlainRestart, $"step {step}: {decision}");
        Assert.Equal(expected, again.Current!.Incarnation);
    }

    private bool CrashAt(int step, CatalogOptions options, Incarnation incarnation)
    {
        CrashingFiles files = new(step);
        try
        {
            using LocalCatalog catalog = LocalCatalog.Open(options, files, _logger);
            catalog.Begin(incarnation, 0, 0);
        }
        catch (CrashException)
        {
            Assert.True(files.Crashed);
        }

        return files.Crashed;
    }

    // As if the store had been written under what the catalog says.
    private static IncarnationFacts WithItsStore(LocalCatalog catalog) =>
        catalog.Facts with { LatestInStore = catalog.Current?.Incarnation ?? default };
}
