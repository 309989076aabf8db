namespace Streams.Simulation;

/// <summary>Takes each rule away in turn: a rule that nothing is seen to need is either not needed or not tested.</summary>
internal static class RuleTable
{
    /// <summary>Plays every configuration without each of the rules, and prints how often that failed, where and how.</summary>
    public static int Run(SimulationOptions options, TextWriter output)
    {
        Rule[] rules = options.Without.Count > 0 ? [.. options.Without] : Enum.GetValues<Rule>();
        int unseen = 0;
        output.WriteLine($"{"without",-14}{"failed",8}{"runs",8}  where and how");
        foreach (Rule rule in rules)
        {
            SortedDictionary<string, CampaignResult> results =
                new Campaign(options.Configurations, options.First, options.Seeds) { Without = [rule], Steps = options.Steps }.Play(null);
            int failed = results.Values.Sum(static r => r.Failures.Count);
            long runs = results.Values.Sum(static r => r.Runs);
            unseen += failed == 0 ? 1 : 0;
            IEnumerable<string> where = results.Where(static r => r.Value.Failures.Count > 0)
                .OrderByDescending(static r => r.Value.Failures.Count).Select(static r => Told(r.Key, r.Value.Failures)).Take(4);
            string told = failed == 0 ? "NOT SEEN TO FAIL" : string.Join("; ", where);
            output.WriteLine($"{rule,-14}{failed,8:N0}{runs,8:N0}  {told}");
            output.Flush();
        }

        return unseen > 0 ? 1 : 0;
    }

    private static string Told(string configuration, List<Failure> failures)
    {
        string kinds = string.Join(", ", failures.Select(static f => f.Kind).Distinct().Order());
        return $"{configuration} {failures.Count} ({kinds}; seed {failures.Min(static f => f.Plan.Seed)})";
    }
}
