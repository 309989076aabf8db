using Streams.Core;
using static Streams.Gateways.Tests.DeliveryWorld;

namespace Streams.Gateways.Tests;

/// <summary>Rule R19, the cluster's side.</summary>
public sealed class UngatedReaderTests
{
    private readonly DeliveryWorld _world = new();

    [Fact]
    public void Lanes_come_ungated_with_what_they_name()
    {
        _world.Append("B1", 'p', 3, 4, At("A1", 1)).Append("A1", 'q', 1, 1);
        Assert.Equal("A1[0,1)(@0=q1;covers 1-1) B1[0,2)(@0=p3,@1=p4;covers 3-4 after A1:1)", _world.Run(Reader()));
    }

    [Fact]
    public void Lanes_that_no_route_brings_here_are_left_out_of_what_is_named()
    {
        _world.Unreachable("D");
        _world.Append("B1", 'p', 3, 3, At("A1", 1), At("D1", 4));
        Assert.Equal("B1[0,1)(@0=p3;covers 3-3 after A1:1)", _world.Run(Reader()));
    }

    [Fact]
    public void Events_that_match_are_cut_out_and_keep_their_offsets_and_sequences()
    {
        _world.Append("A1", 'p', 1, 4);
        Assert.Equal("A1[1,4)(@1=p2,@2=p3,@3=p4;covers 2-4)", _world.Run(Reader(CursorAt(At("A1", 1)))));
    }

    [Fact]
    public void Stretches_with_nothing_for_the_subscription_are_told_together_after_a_while()
    {
        _world.Wanted = "q";
        _world.Append("A1", 'p', 1, 2).Append("A1", 'p', 3, 9).Append("A1", 'r', 1, 1);
        UngatedReader reader = Reader();
        Assert.Equal("", _world.Run(reader));
        Assert.Equal(ReaderLimits.Default.AdvanceDelay, reader.NextDeadline);
        _world.Now = ReaderLimits.Default.AdvanceDelay;
        Assert.Equal("advance A1[0,10)(1-9 1-1)", _world.Run(reader));
        Assert.Null(reader.NextDeadline);
    }

    [Fact]
    public void A_stretch_is_told_before_the_next_events_of_its_lane_and_before_events_that_may_wait_for_it()
    {
        _world.Wanted = "q";
        _world.Append("A1", 'p', 1, 2).Append("B1", 'q', 2, 2, At("A1", 1)).Append("A1", 'r', 1, 1).Append("A1", 'q', 1, 1);
        Assert.Equal("advance A1[0,2)(1-2) B1[0,1)(@0=q2;covers 2-2 after A1:1) advance A1[2,3)(1-1) A1[3,4)(@3=q1;covers 1-1)",
            _world.Run(Reader()));
    }

    [Fact]
    public void A_stretch_names_no_more_than_so_many_runs()
    {
        _world.Wanted = "z";
        for (int i = 0; i < 5; i++)
        {
            _world.Append("A1", (char)('a' + i), 1, 1);
        }

        UngatedReader reader = new(7, new PartitionId(0), _world, _world, Cursor.Start, ReaderLimits.Default with { MaxCoveredRuns = 2 });
        Assert.Equal("advance A1[0,2)(1-1 1-1) advance A1[2,4)(1-1 1-1)", _world.Run(reader));
    }

    [Fact]
    public void A_twin_is_skipped_only_behind_what_the_client_has_confirmed_R19e()
    {
        _world.Append("A1", 'p', 1, 2);
        UngatedReader reader = Reader();
        Assert.Equal("A1[0,2)(@0=p1,@1=p2;covers 1-2)", _world.Run(reader));
        _world.Append("B1", 'p', 1, 2);
        Assert.Equal("B1[0,2)(@0=p1,@1=p2;covers 1-2)", _world.Run(reader));
        reader.Confirmed(CursorAt(At("A1", 1)));
        _world.Append("C1", 'p', 1, 2);
        Assert.Equal("C1[0,2)(@1=p2;covers 1-2)", _world.Run(reader));
        Assert.Equal(1, reader.Counts.TwinsSkipped);
    }

    [Fact]
    public void A_copy_in_a_gap_that_was_stepped_over_is_no_ground_R10()
    {
        _world.Append("B1", 'p', 1, 1).Append("B1", 'q', 1, 1).Trim("B1", 1);
        UngatedReader reader = Reader();
        Assert.Equal("gap B1[0,1) B1[1,2)(@1=q1;covers 1-1)", _world.Run(reader));
        reader.Confirmed(CursorAt(At("B1", 2)));
        _world.Append("A1", 'p', 1, 1);
        Assert.Equal("A1[0,1)(@0=p1;covers 1-1)", _world.Run(reader));

        // Neither is it for the next session, which knows of the gap from the cursor.
        Cursor cursor = new(default, CursorAt(At("B1", 2)).Positions, [new CursorJump(O("B1"), default, new Offset(1))]);
        Assert.Equal("A1[0,1)(@0=p1;covers 1-1)", _world.Run(Reader(cursor)));
    }

    [Fact]
    public void A_closed_lane_is_told_once_and_behind_all_that_is_here_of_it_R19c()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 5)).Append("A1", 'p', 1, 2);
        UngatedReader reader = Reader();
        Assert.Equal("A1[0,2)(@0=p1,@1=p2;covers 1-2) B1[0,1)(@0=p3;covers 3-3 after A1:5)", _world.Run(reader));
        Assert.True(reader.IsAwaiting);
        _world.Exhaust("A1");
        Assert.Equal("released A1[2,2)", _world.Run(reader));
        _world.Append("B1", 'p', 4, 4, At("A1", 5));
        Assert.Equal("B1[1,2)(@1=p4;covers 4-4 after A1:5)", _world.Run(reader));
        Assert.False(reader.IsAwaiting);
    }

    [Fact]
    public void A_closed_lane_of_which_nothing_is_here_is_told_too()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 5));
        _world.Exhaust("A1");
        Assert.Equal("B1[0,1)(@0=p3;covers 3-3 after A1:5) released A1[0,0)", _world.Run(Reader()));
    }

    [Fact]
    public void Resume_sends_a_lane_again_with_its_gap_and_its_release_R19f()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 9)).Append("A1", 'q', 1, 1).Append("A1", 'q', 2, 3).Trim("A1", 1).Exhaust("A1");
        UngatedReader reader = Reader();
        const string All = "gap A1[0,1) A1[1,3)(@1=q2,@2=q3;covers 2-3)";
        Assert.Equal(All + " B1[0,1)(@0=p3;covers 3-3 after A1:9) released A1[3,3)", _world.Run(reader));
        Assert.True(reader.Resume(O("A1"), default));
        Assert.Equal(All + " released A1[3,3)", _world.Run(reader));
        Assert.True(reader.Resume(O("A1"), new Offset(2)));
        Assert.Equal("A1[2,3)(@2=q3;covers 3-3) released A1[3,3)", _world.Run(reader));
        Assert.False(reader.Resume(O("A1"), new Offset(4)));
    }

    [Fact]
    public void A_rewind_elsewhere_is_told_and_everything_begins_again_from_it_R11()
    {
        _world.Append("A1", 'p', 1, 3);
        UngatedReader reader = Reader();
        _world.Run(reader);
        Cursor rewound = new(new Generation(1, O("A1")), CursorAt(At("A1", 2)).Positions, []);
        Assert.True(reader.Observe(rewound));
        reader.Confirmed(CursorAt(At("A1", 3)));     // of the old generation: too late
        Assert.Equal("rewound(A1=2) A1[2,3)(@2=p3;covers 3-3)", _world.Run(reader));
    }

    private UngatedReader Reader(Cursor? cursor = null) =>
        new(7, new PartitionId(0), _world, _world, cursor ?? Cursor.Start, ReaderLimits.Default);
}
