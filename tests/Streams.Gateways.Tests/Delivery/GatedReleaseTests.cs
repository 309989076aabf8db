using Streams.Core;
using static Streams.Gateways.Tests.DeliveryWorld;

namespace Streams.Gateways.Tests;

/// <summary>Rule R15 for plain sessions: what ends a wait.</summary>
public sealed class GatedReleaseTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DeliveryWorld _world = new();

    [Fact]
    public void A_dependency_on_a_lane_that_no_route_brings_here_is_released_at_once()
    {
        _world.Unreachable("D");
        _world.Append("B1", 'p', 3, 3, At("D1", 1));
        GatedReader reader = Reader();
        Assert.Equal("B1@0=p3", _world.Run(reader));
        Assert.Equal(0, reader.Counts.ReleasedByPatience);
    }

    [Fact]
    public void A_closed_lane_is_released_only_when_all_that_is_here_of_it_was_passed()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 7)).Append("A1", 'q', 1, 1, At("C1", 0));
        _world.Exhaust("A1");
        GatedReader reader = Reader();
        Assert.Equal("", _world.Run(reader));        // A1@0 is here and itself waits for C1
        _world.Append("C1", 'q', 0 + 5, 5);
        Assert.Equal("C1@0=q5 A1@0=q1 B1@0=p3!Closed", _world.Run(reader));
        Assert.Equal(1, reader.Counts.ReleasedClosed);
    }

    [Fact]
    public void Patience_runs_from_the_arrival_of_the_waiting_batch_and_is_counted_and_marked()
    {
        _world.Now = TimeSpan.FromHours(1);
        _world.Append("B1", 'p', 3, 3, At("A1", 1));
        GatedReader reader = Reader();
        Assert.Equal("", _world.Run(reader));
        Assert.Equal(TimeSpan.FromHours(1) + Patience, reader.NextDeadline(_world.Now));
        _world.Now += Patience - TimeSpan.FromMilliseconds(1);
        Assert.Equal("", _world.Run(reader));
        _world.Now += TimeSpan.FromMilliseconds(1);
        Assert.Equal("B1@0=p3!Patience", _world.Run(reader));
        Assert.Equal(1, reader.Counts.ReleasedByPatience);
    }

    [Fact]
    public void Batches_behind_one_that_waited_do_not_wait_anew_for_the_same_lane()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1)).Append("B1", 'p', 4, 4, At("A1", 1)).Append("B1", 'q', 9, 9, At("A1", 5));
        GatedReader reader = Reader();
        _world.Run(reader);
        _world.Now += Patience;
        Assert.Equal("B1@0=p3!Patience B1@1=p4!Patience B1@2=q9!Patience", _world.Run(reader));
        _world.Append("B1", 'p', 5, 5, At("A1", 1));
        Assert.Equal("B1@3=p5!Patience", _world.Run(reader));
    }

    [Fact]
    public void Once_what_was_awaited_has_come_the_next_wait_has_its_own_clock()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1));
        GatedReader reader = Reader();
        _world.Run(reader);
        _world.Append("A1", 'p', 1, 2);
        Assert.Equal("A1@0=p1 A1@1=p2 B1@0=p3", _world.Run(reader));
        _world.Now += 2 * Patience;
        _world.Append("B1", 'p', 9, 9, At("A1", 2));
        Assert.Equal("", _world.Run(reader));
        _world.Now += Patience;
        Assert.Equal("B1@1=p9!Patience", _world.Run(reader));
    }

    [Fact]
    public void Two_awaited_lanes_have_clocks_that_run_at_the_same_time()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1), At("C1", 1));
        GatedReader reader = Reader();
        _world.Run(reader);
        _world.Now += Patience;
        Assert.Equal("B1@0=p3!Patience", _world.Run(reader));
    }

    [Fact]
    public void A_gap_that_swallows_the_waiting_batch_ends_its_wait()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1)).Append("B1", 'q', 1, 1);
        GatedReader reader = Reader();
        Assert.Equal("", _world.Run(reader));
        _world.Trim("B1", 1);
        Assert.Equal("B1@1=q1", _world.Run(reader));
    }

    [Fact]
    public void Other_lanes_flow_while_one_waits()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1)).Append("C1", 'q', 1, 2);
        Assert.Equal("C1@0=q1 C1@1=q2", _world.Run(Reader()));
    }

    private GatedReader Reader() => new(_world, _world, Cursor.Start, ReaderLimits.Default with { Patience = Patience });
}
