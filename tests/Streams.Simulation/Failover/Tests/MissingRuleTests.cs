using Xunit.Abstractions;

namespace Streams.Simulation;

/// <summary>A world without a rule is seen to fail, in the way that the rule is there for: so the worlds test the rules, and the judges
/// judge.</summary>
public sealed class MissingRuleTests(ITestOutputHelper output)
{
    private const int MostSeeds = 2000;

    [Theory]
    [InlineData(nameof(Rule.DurableHello), "rollone", nameof(Violation.Dropped))]
    [InlineData(nameof(Rule.Ranges), "skip", nameof(Violation.Dropped))]
    [InlineData(nameof(Rule.Pred), "chain", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.AfterAll), "dual", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.AfterVec), "skip", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.StandLate), "rollback", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.Jumps), "retain", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.Path), "ring", nameof(Violation.Path))]
    [InlineData(nameof(Rule.SnapOn), "retain", nameof(Violation.CursorsDiffer))]
    [InlineData(nameof(Rule.SnapHeld), "mesh", nameof(Violation.Dropped))]
    [InlineData(nameof(Rule.Boot), "rollback", nameof(Violation.TwoNames))]
    [InlineData(nameof(Rule.Epoch), "outbox", nameof(Violation.Dropped))]
    [InlineData(nameof(Rule.GenWindow), "rewind", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.Ground), "skip", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.KeepBack), "wipe", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.Closed), "rollone", nameof(Violation.Waits))]
    [InlineData(nameof(Rule.OwnMid), "clocks", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.Prefix), "rollone", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.PathInc), "all", nameof(Violation.Waits))]
    [InlineData(nameof(Rule.GenTie), "rewind", nameof(Violation.LostOrTwice))]
    [InlineData(nameof(Rule.Chain), "chain", nameof(Violation.Inversion))]
    [InlineData(nameof(Rule.Memory), "all", nameof(Violation.LostOrTwice))]
    public void Without_a_rule_a_world_fails(string rule, string configuration, string kind)
    {
        Rule[] without = [Enum.Parse<Rule>(rule)];
        Violation expected = Enum.Parse<Violation>(kind);
        for (long seed = 0; seed < MostSeeds; seed++)
        {
            World world = WorldRun.Play(new WorldPlan(Configuration.Find(configuration)!, seed) { Without = without });
            if (world.Truth.Violations.Exists(v => v.Kind == expected))
            {
                output.WriteLine($"without {rule}, {configuration} fails at seed {seed}: {world.Truth.Violations[0].Text}");
                return;
            }
        }

        Assert.Fail($"{configuration} was never seen to fail without {rule} in {MostSeeds} seeds");
    }

    [Fact]
    public void A_failing_run_is_made_short_and_still_fails_in_the_same_way()
    {
        WorldPlan failing = FirstFailure(Rule.DurableHello, "rollone");
        Violation kind = WorldRun.Play(failing).Truth.Violations[0].Kind;
        WorldPlan shrunk = Shrinker.Shrink(failing, mostRuns: 300);
        World world = WorldRun.Play(shrunk with { Traces = true });
        Assert.Equal(kind, world.Truth.Violations[0].Kind);
        Assert.True(shrunk.Steps - shrunk.LeftOut.Count < shrunk.Steps / 4,
            $"{shrunk.Steps - shrunk.LeftOut.Count} of {shrunk.Steps} steps are left");
        Assert.Contains(world.Trace!, static line => line.StartsWith("!! violation", StringComparison.Ordinal));
    }

    private static WorldPlan FirstFailure(Rule rule, string configuration)
    {
        for (long seed = 0; seed < MostSeeds; seed++)
        {
            WorldPlan plan = new(Configuration.Find(configuration)!, seed) { Without = [rule] };
            if (WorldRun.Play(plan).Truth.Violations.Count > 0)
            {
                return plan;
            }
        }

        throw new InvalidOperationException($"{configuration} was never seen to fail without {rule}");
    }
}
