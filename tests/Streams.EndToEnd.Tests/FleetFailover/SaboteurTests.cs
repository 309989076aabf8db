using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

/// <summary>The judge is judged: it finds the one fault put before it, calls it by its name, and nothing else.</summary>
public sealed class SaboteurTests
{
    public static TheoryData<string, int> Deeds()
    {
        TheoryData<string, int> deeds = [];
        foreach (SabotageKind kind in Enum.GetValues<SabotageKind>())
        {
            for (int seed = 0; seed < 25; seed++)
            {
                deeds.Add($"{kind}", seed);
            }
        }

        return deeds;
    }

    [Theory]
    [MemberData(nameof(Deeds))]
    public void The_judge_finds_exactly_the_fault_that_was_put_before_it(string kind, int seed)
    {
        SabotageKind sabotage = Enum.Parse<SabotageKind>(kind);
        JudgedWorld world = new JudgedWorld(sabotage, seed).Drive().Read();
        Verdict verdict = world.Judge.Decide();

        Assert.Equal(sabotage == SabotageKind.None, verdict.Passed);
        Assert.Equal(sabotage == SabotageKind.Lose ? 1 : 0, verdict.Telemetry.Lost);
        Assert.Equal(sabotage == SabotageKind.Duplicate ? 1 : 0, verdict.Telemetry.Duplicates);
        Assert.Equal(sabotage == SabotageKind.Reorder ? 1 : 0, verdict.Telemetry.OutOfOrder);
        Assert.Equal(sabotage == SabotageKind.Mismatch ? 1 : 0, verdict.OffsetMismatches);
        Assert.Equal((0, 0), (verdict.LaneDifferences, verdict.Failures));
        Assert.True(verdict.Commands.IsClean);
        if (sabotage == SabotageKind.None)
        {
            Assert.Null(world.Saboteur.Deed);
            return;
        }

        string victim = string.Join(' ', world.Saboteur.Deed!.Split(' ')[..2]);
        Assert.StartsWith(victim, Assert.Single(verdict.Findings).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_chooses_the_same_victim()
    {
        Assert.Equal(Deed(5), Deed(5));
        Assert.True(Enumerable.Range(0, 20).Select(Deed).Distinct().Count() > 5, "the victim hardly depends on the seed");

        static string Deed(int seed) => new JudgedWorld(SabotageKind.Lose, seed).Drive().Saboteur.Deed!;
    }

    [Fact]
    public void What_is_withheld_is_counted_until_it_is_shown()
    {
        Judge judge = FleetStreams.NewJudge(["a"], []);
        Saboteur saboteur = new(SabotageKind.Reorder, judge.Telemetry, new Random(1), 1);
        saboteur.Deliver(0, 1, default);
        Assert.Equal((1, 0), (saboteur.Withheld, judge.Telemetry.Delivered));
        _ = judge.Lanes.Number(FleetStreams.Fleet, default, Core.Origin.Parse("sj.0192f3ab4c5d6e7f"));
        saboteur.Deliver(0, 2, default);
        Assert.Equal((0, 2), (saboteur.Withheld, judge.Telemetry.Delivered));
    }

    [Fact]
    public void A_victim_that_nothing_follows_is_let_go_and_no_deed_is_claimed()
    {
        Judge judge = FleetStreams.NewJudge(["a"], []);
        Saboteur saboteur = new(SabotageKind.Reorder, judge.Telemetry, new Random(1), 1);
        saboteur.Deliver(0, 1, default);
        saboteur.EndDeliveries();
        Assert.Equal(1, judge.Telemetry.Delivered);
        Assert.Null(saboteur.Deed);
    }
}
