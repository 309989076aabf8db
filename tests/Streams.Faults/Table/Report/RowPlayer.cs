using System.Text;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>Plays the runs of a row, each with chances of its own that follow from the seed, the row and the number of the run.</summary>
internal static class RowPlayer
{
    /// <summary>A fault that is not met in so many tries is given up: the row then has fewer runs.</summary>
    private const int TriesOfOneRun = 4;

    public static async Task<RowResult> PlayAsync(FaultRow row, TableOptions options, Func<int, Task>? progressAsync = null)
    {
        if (row.WhyNot() is { } why)
        {
            return new RowResult(row) { Skipped = why };
        }

        var result = new RowResult(row);
        await using var world = await FaultWorld.CreateAsync(row.World);
        for (var run = 1; run <= options.Runs; run++)
        {
            await (progressAsync?.Invoke(run) ?? Task.CompletedTask);
            for (var attempt = 0; attempt < TriesOfOneRun; attempt++)
            {
                var chance = new SeededRandom(SeedOf(options.Seed, row.Name, run, attempt));
                var played = await PlayOnceAsync(world, row, $"{row.Name}-{run}-{attempt}", chance, options.Sabotage);
                if (played is { } one)
                {
                    result = result with
                    {
                        Runs = result.Runs + 1,
                        Tally = result.Tally.Plus(one.Tally with { Findings = [.. one.Tally.Findings.Select(f => $"run {run}: {f}")] }),
                        GoneOnAfter = [.. result.GoneOnAfter, .. one.GoneOnAfter],
                    };
                    break;
                }
            }
        }

        return result;
    }

    /// <summary>One run; <see langword="null"/> when its fault was not met. Whatever does not come in time is a finding.</summary>
    private static async Task<(Tally Tally, IReadOnlyList<TimeSpan> GoneOnAfter)?> PlayOnceAsync(
        FaultWorld world, FaultRow row, string id, SeededRandom chance, Sabotage sabotage)
    {
        await using var run = new FaultRun(world, id, chance);
        try
        {
            await row.PlayAsync(run);
            await world.MendAsync();
            var tally = await run.JudgeAsync(sabotage);
            return run.IsHit || !tally.IsGood ? (tally, run.GoneOnAfter()) : null;
        }
        catch (Exception fault) when (fault is NotReachedException or InvalidOperationException or IOException)
        {
            await world.MendAsync();
            return (new Tally { Findings = [$"{fault.GetType().Name}: {fault.Message.ReplaceLineEndings(" ")}"] }, []);
        }
    }

    // The same on every machine and in every version of .NET, unlike a hash code.
    private static int SeedOf(int seed, string row, int run, int attempt)
    {
        var hash = 2166136261u;
        foreach (var one in Encoding.UTF8.GetBytes($"{seed} {row} {run} {attempt}"))
        {
            hash = (hash ^ one) * 16777619u;
        }

        return (int)(hash & int.MaxValue);
    }
}
