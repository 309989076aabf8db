using System.Diagnostics;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>The simulation by hand.</summary>
internal static class SimulationProgram
{
    private const int FailuresShown = 10;

    public static int Run(string[] args, TextWriter output)
    {
        if (args.Contains("--help") || args.Contains("-h"))
        {
            output.WriteLine(SimulationOptions.Usage);
            return 0;
        }

        if (SimulationOptions.TryParse(args, out SimulationOptions options) is { } fault)
        {
            Console.Error.WriteLine(fault);
            Console.Error.WriteLine("--help tells what there is");
            return 2;
        }

        return options.Scale is { } scale ? ScaleProgram.Run(scale, output)
            : options.Storm is { } storm ? StormProgram.Run(storm, output)
            : options.Trace is { } seed ? Tell(options, seed, output)
            : options.Rules ? RuleTable.Run(options, output)
            : Play(options, output);
    }

    private static int Play(SimulationOptions options, TextWriter output)
    {
        long started = Stopwatch.GetTimestamp();
        Campaign campaign = new(options.Configurations, options.First, options.Seeds) { Without = options.Without, Steps = options.Steps };
        SortedDictionary<string, CampaignResult> results = campaign.Play(output);
        FaultTally all = new();
        output.WriteLine();
        output.WriteLine($"{"configuration",-14}{"runs",8}{"failed",8}{"events",10}{"sessions",10}{"crashes",9}  violations");
        foreach ((string name, CampaignResult result) in results)
        {
            all.Add(result.Tally);
            FaultTally t = result.Tally;
            long crashes = t["fault: power failures"] + t["fault: processes killed"] + t["fault: crashes in the middle of a write"]
                + t["fault: refused flushes and writes"];
            string kinds = string.Join(", ", result.Failures.GroupBy(static f => f.Kind).Select(static g => $"{g.Key} {g.Count()}"));
            long events = t["events acknowledged"] + t["events found held in hello"];
            output.WriteLine($"{name,-14}{result.Runs,8:N0}{result.Failures.Count,8:N0}{events,10:N0}"
                + $"{t["device sessions"],10:N0}{crashes,9:N0}  {kinds}");
        }

        output.WriteLine();
        output.WriteLine("met:");
        foreach ((string what, long count) in all.Counts)
        {
            output.WriteLine($"  {what,-62}{count,14:N0}");
        }

        int failed = results.Values.Sum(static r => r.Failures.Count);
        ShowFailures(results.Values.SelectMany(static r => r.Failures), output);
        long runs = results.Values.Sum(static r => r.Runs);
        output.WriteLine($"{runs:N0} runs, {failed:N0} violations, {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s");
        return failed > 0 ? 1 : 0;
    }

    private static void ShowFailures(IEnumerable<Failure> failures, TextWriter output)
    {
        output.WriteLine();
        foreach (Failure failure in failures.OrderBy(static f => f.Plan.Seed).Take(FailuresShown))
        {
            WorldPlan plan = failure.Plan;
            output.WriteLine($"--configuration {plan.Configuration.Name} --trace {plan.Seed}: {failure.Kind}: {failure.Text}");
        }
    }

    private static int Tell(SimulationOptions options, long seed, TextWriter output)
    {
        WorldPlan plan = new(options.Configurations[0], seed) { Without = options.Without, Steps = options.Steps };
        if (WorldRun.Play(plan).Truth.Violations.Count > 0)
        {
            plan = Shrinker.Shrink(plan);
            output.WriteLine($"fails; shortened to {plan.Steps - plan.LeftOut.Count} of {plan.Steps} steps:");
        }

        World world = WorldRun.Play(plan with { Traces = true });
        world.Trace!.ForEach(output.WriteLine);
        return world.Truth.Violations.Count > 0 ? 1 : 0;
    }
}
