using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

/// <summary>An offset that means two things is found, whoever was told which.</summary>
public sealed class LaneAuditTests
{
    [Fact]
    public void An_offset_that_names_different_events_in_two_clusters_counts_once()
    {
        JudgedWorld world = new JudgedWorld().Drive();
        Place victim = world.Telemetry(1, 9);
        Verdict verdict = world.Read((cluster, place, truth) =>
            cluster > 0 && place == victim ? truth with { Fingerprint = 1 } : truth).Judge.Decide();
        Assert.Equal((1, 0), (verdict.OffsetMismatches, verdict.LaneDifferences));
        Assert.Contains("ny holds /fleet device 1#9", verdict.Findings.Single().Text, StringComparison.Ordinal);
        Assert.False(verdict.Passed);
    }

    [Fact]
    public void Two_events_that_changed_places_in_one_cluster_are_two_mismatches()
    {
        JudgedWorld world = new JudgedWorld().Drive();
        Place a = world.Telemetry(0, 3);
        Place b = world.Telemetry(1, 3);
        LaneContent atA = JudgedWorld.Content(a.Lane, 0, 3);
        LaneContent atB = JudgedWorld.Content(a.Lane, 1, 3);
        Verdict verdict = world.Read((cluster, place, truth) =>
            cluster != 2 ? truth : place == a ? atB : place == b ? atA : truth).Judge.Decide();
        Assert.Equal(2, verdict.OffsetMismatches);
    }

    [Fact]
    public void A_receipt_that_names_another_events_place_is_a_mismatch()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Telemetry.Confirm(2, 5, world.Telemetry(2, 6));
        Verdict verdict = world.Judge.Decide();
        Assert.Equal(1, verdict.OffsetMismatches);
        Assert.Contains("the receipt of telemetry car-c#5 names it", verdict.Findings.First(f => f.Kind == FaultKind.OffsetMismatch).Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_delivery_from_a_place_that_no_cluster_holds_is_a_mismatch()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        world.Judge.Telemetry.Publish(0, 41);
        world.Judge.Telemetry.Deliver(0, 41, new Place(world.Lane(FleetStreams.Fleet, 2), 500));
        Verdict verdict = world.Judge.Decide();
        Assert.Equal(1, verdict.OffsetMismatches);
        Assert.Contains(verdict.Findings, f =>
            f.Text == "/fleet#2 sj.0192f3ab4c5d6e7f:500: the delivery of telemetry car-a#41 names it, and no cluster holds it");
    }

    [Fact]
    public void A_receipt_and_a_delivery_may_name_two_copies_of_the_same_event()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        int other = world.Judge.Lanes.Number(FleetStreams.Fleet, new Core.PartitionId(2), Core.Origin.Parse("ny.0192f3ab4c5d6e80"));
        for (int cluster = 0; cluster < 3; cluster++)
        {
            world.Judge.Audit.List(cluster, other, 0, 1);
            world.Judge.Audit.Read(cluster, other, 0, new LaneContent(99, 0, 40));
        }

        world.Judge.Telemetry.Confirm(0, 40, new Place(other, 0));
        Verdict verdict = world.Judge.Decide();
        Assert.Equal((0, 1), (verdict.OffsetMismatches, verdict.Twins));
    }

    [Fact]
    public void A_lane_that_a_cluster_misses_or_has_less_of_is_a_difference()
    {
        JudgedWorld world = new JudgedWorld().Drive().Read();
        int onlyHere = world.Lane(FleetStreams.Fleet, 3);
        world.Judge.Audit.List(0, onlyHere, 0, 0);
        world.Judge.Audit.List(1, world.Lane(FleetStreams.Fleet, 2), 0, 119);
        Verdict verdict = world.Judge.Decide();
        Assert.Equal(3, verdict.LaneDifferences);
        Assert.Contains(verdict.Findings, f => f.Text == "/fleet#2@sj.0192f3ab4c5d6e7f ends at 119, elsewhere at 120 at ny");
        Assert.Contains(verdict.Findings, f => f.Text == "/fleet#3@sj.0192f3ab4c5d6e7f is missing at ldn");
        Assert.False(verdict.Passed);
    }

    [Fact]
    public void A_hole_in_what_a_cluster_gives_is_a_difference()
    {
        JudgedWorld world = new JudgedWorld().Drive();
        Place hole = world.Telemetry(0, 20);
        Verdict verdict = world.Read((cluster, place, truth) => cluster == 1 && place == hole ? null : truth).Judge.Decide();
        Assert.Equal((0, 1), (verdict.OffsetMismatches, verdict.LaneDifferences));
    }
}
