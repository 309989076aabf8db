using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

/// <summary>The judge passes what is whole, counts exactly, and names what is not.</summary>
public sealed class JudgeTests
{
    [Fact]
    public void An_empty_run_passes_and_counts_nothing()
    {
        Verdict verdict = FleetStreams.NewJudge([], ["sj", "ny", "ldn"]).Decide();
        Assert.True(verdict.Passed);
        Assert.Equal(new LedgerTotals(0, 0, 0, 0, 0, 0, 0), verdict.Telemetry);
        Assert.Empty(verdict.Findings);
    }

    [Fact]
    public void A_whole_run_passes_with_exact_counts()
    {
        Verdict verdict = new JudgedWorld().Drive().Read().Judge.Decide();
        Assert.Empty(verdict.Findings);
        Assert.True(verdict.Passed);
        Assert.Equal(new LedgerTotals(120, 120, 120, 0, 0, 0, 0), verdict.Telemetry);
        Assert.Equal(new LedgerTotals(12, 12, 12, 0, 0, 0, 0), verdict.Commands);
        Assert.Equal(0, verdict.Twins);
    }

    [Fact]
    public void Every_event_that_never_came_is_lost_and_named()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Telemetry.Publish(1, 41);
        world.Judge.Telemetry.Publish(2, 41);
        world.Judge.Commands.Publish(0, 5);
        Verdict verdict = world.Judge.Decide();
        Assert.False(verdict.Passed);
        Assert.Equal((2, 1), (verdict.Telemetry.Lost, verdict.Commands.Lost));
        Assert.Contains(verdict.Findings, f =>
            f is { Kind: FaultKind.Lost, Text: "telemetry car-b#41 was never delivered, never confirmed by a cluster" });
        Assert.Contains(verdict.Findings, f => f.Kind == FaultKind.Lost && f.Text.StartsWith("command car-a#5", StringComparison.Ordinal));
    }

    [Fact]
    public void An_event_that_was_lost_after_a_cluster_confirmed_it_is_named_with_its_place()
    {
        JudgedWorld world = new JudgedWorld().Drive();
        world.Judge.Telemetry.Publish(0, 41);
        world.Judge.Telemetry.Confirm(0, 41, new Place(world.Lane(FleetStreams.Fleet, 2), 120));
        Verdict verdict = world.Judge.Decide();
        Assert.Contains(verdict.Findings, f =>
            f.Text == "telemetry car-a#41 was never delivered, stored at /fleet#2 sj.0192f3ab4c5d6e7f:120");
    }

    [Fact]
    public void Each_repeat_counts_once_and_is_no_matter_of_order()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Telemetry.Deliver(1, 7, world.Telemetry(1, 7));
        world.Judge.Telemetry.Deliver(1, 7, world.Telemetry(1, 7));
        Verdict verdict = world.Judge.Decide();
        Assert.Equal((120, 2, 0), (verdict.Telemetry.Delivered, verdict.Telemetry.Duplicates, verdict.Telemetry.OutOfOrder));
        Assert.All(verdict.Findings, f => Assert.StartsWith("telemetry car-b#7 was delivered twice", f.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Events_behind_a_later_one_of_their_car_are_out_of_order_and_of_another_car_are_not()
    {
        Judge judge = FleetStreams.NewJudge(["a", "b"], []);
        Deliver(judge.Commands, 0, 1, 4, 2, 3, 5);
        Deliver(judge.Commands, 1, 1, 2);
        Verdict verdict = judge.Decide();
        Assert.Equal(2, verdict.Commands.OutOfOrder);
        Assert.Equal(0, verdict.Commands.Lost);
        Assert.Contains(verdict.Findings, f => f.Text.StartsWith("command a#3 came after #4", StringComparison.Ordinal));
    }

    [Fact]
    public void A_delivery_that_overtakes_its_publishers_return_is_no_fault()
    {
        Judge judge = FleetStreams.NewJudge(["a"], ["sj"]);
        Place place = new(judge.Lanes.Number(FleetStreams.Fleet, default, Core.Origin.Parse("sj.0192f3ab4c5d6e7f")), 0);
        judge.Telemetry.Deliver(0, 1, place);
        judge.Telemetry.Confirm(0, 1, place);
        judge.Telemetry.Publish(0, 1);
        judge.Audit.List(0, place.Lane, 0, 1);
        judge.Audit.Read(0, place.Lane, 0, new LaneContent(7, 0, 1));
        Assert.True(judge.Decide().Passed);
    }

    [Fact]
    public void What_nobody_sent_is_unexpected()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Telemetry.Deliver(0, 50, world.Telemetry(0, 40));
        world.Judge.Commands.DeliverUnreadable("car-a was given nonsense");
        Verdict verdict = world.Judge.Decide();
        Assert.False(verdict.Passed);
        Assert.Equal((1, 1), (verdict.Telemetry.Unexpected, verdict.Commands.Unexpected));
    }

    [Fact]
    public void An_event_that_no_cluster_ever_confirmed_fails_the_run_even_if_it_was_delivered()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Commands.Publish(0, 5);
        world.Judge.Commands.Deliver(0, 5, world.Command(0, 4));
        Verdict verdict = world.Judge.Decide();
        Assert.Contains(verdict.Findings, f => f is { Kind: FaultKind.NotConfirmed, Text: "command: 13 sent, 12 confirmed by a cluster" });
        Assert.False(verdict.Passed);
    }

    [Fact]
    public void A_failure_told_to_the_judge_fails_the_run()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Fail("ny did not come back");
        Verdict verdict = world.Judge.Decide();
        Assert.False(verdict.Passed);
        Assert.Equal((1, "ny did not come back"), (verdict.Failures, verdict.Findings.Single().Text));
    }

    [Fact]
    public void All_faults_are_counted_and_only_the_first_are_named()
    {
        Judge judge = FleetStreams.NewJudge(["a"], []);
        for (int number = 1; number <= 1000; number++)
        {
            judge.Telemetry.Publish(0, number);
        }

        Verdict verdict = judge.Decide();
        Assert.Equal(1000, verdict.Telemetry.Lost);
        Assert.Equal(Findings.KeptOfEachKind, verdict.Findings.Count(f => f.Kind == FaultKind.Lost));
    }

    private static void Deliver(Ledger ledger, int car, params int[] numbers)
    {
        int lane = ledger.Lanes.Number(FleetStreams.Commands, default, Core.Origin.Parse("sj.0192f3ab4c5d6e7f"));
        foreach (int number in numbers)
        {
            ledger.Publish(car, number);
            ledger.Deliver(car, number, new Place(lane, (car * 100) + number));
        }
    }
}
