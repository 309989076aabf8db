using Streams.Core;

namespace Streams.Client.Tests;

public class PassByReaderTests
{
    [Fact]
    public void R19b_only_the_producer_that_has_to_wait_is_held_back() => new ReaderStory()
        .Events("B.1", 0, 'p', 6, after: [("A.1", 5)])
        .Events("B.1", 1, 'q', 1)
        .Gives("B.1@1 q:1")
        .Events("A.1", 0, 'p', 1, count: 5)
        .Gives("A.1@0 p:1", "A.1@1 p:2", "A.1@2 p:3", "A.1@3 p:4", "A.1@4 p:5")
        .Events("A.1", 5, 'q', 0x100)
        .Gives("A.1@5 q:256", "B.1@0 p:6");

    [Fact]
    public void R19b_an_event_waits_for_a_held_one_of_its_producer_in_its_own_lane() => new ReaderStory()
        .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
        .Events("B.1", 1, 'p', 3)
        .Gives()
        .Events("A.1", 0, 'p', 1)
        .Gives("A.1@0 p:1", "B.1@0 p:2", "B.1@1 p:3");

    [Fact]
    public void R19b_chain_an_awaited_event_that_came_and_waits_itself_is_waited_for() => new ReaderStory()
        .Events("C.2", 0, 'p', 9, after: [("A.1", 5), ("A.2", 1)])
        .Events("A.2", 0, 'p', 7, count: 2, after: [("A.1", 5)])
        .Gives()
        .Events("A.1", 0, 'q', 1, count: 5)
        .Events("A.1", 5, 'p', 6)
        .Gives("A.1@0 q:1", "A.1@1 q:2", "A.1@2 q:3", "A.1@3 q:4", "A.1@4 q:5", "A.1@5 p:6", "A.2@0 p:7", "A.2@1 p:8", "C.2@0 p:9");

    [Fact]
    public void R19b_chain_holds_when_patience_ends_the_wait_of_the_one_behind_first()
    {
        ReaderStory story = new ReaderStory(patience: 100)
            .Events("C.2", 0, 'p', 9, after: [("A.2", 1)])
            .Tick(50)
            .Events("A.2", 0, 'p', 7, count: 2, after: [("A.1", 5)])
            .Tick(60)
            .Gives();
        story.Tick(50).Gives("A.2@0 p:7!", "A.2@1 p:8!", "C.2@0 p:9");
    }

    [Fact]
    public void What_the_cursor_has_passed_counts_as_received_after_a_restart() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, count: 3)
        .Gives("A.1@0 p:1", "A.1@1 p:2", "A.1@2 p:3")
        .Restart()
        .Events("B.1", 0, 'p', 4, after: [("A.1", 2)])
        .Gives("B.1@0 p:4");

    [Fact]
    public void R19b_a_copy_that_can_be_given_is_given_though_another_is_held_back() => new ReaderStory()
        .Events("B.1", 0, 'p', 2, after: [("A.1", 9)])
        .Events("C.1", 0, 'p', 2)
        .Gives("C.1@0 p:2")
        .CursorIs(("B.1", 1), ("C.1", 1));

    [Fact]
    public void R19d_keep_back_the_cursor_of_a_lane_stays_at_what_is_held_back()
    {
        ReaderStory story = new ReaderStory()
            .Events("B.1", 0, 'q', 1)
            .Events("B.1", 1, 'p', 2, after: [("A.1", 0)])
            .Events("B.1", 2, 'q', 2)
            .Gives("B.1@0 q:1", "B.1@2 q:2")
            .CursorIs(("B.1", 1));
        story.Restart()
            .Events("B.1", 1, 'p', 2, after: [("A.1", 0)])
            .Events("B.1", 2, 'q', 2)
            .Gives()
            .Events("A.1", 0, 'p', 1)
            .Gives("A.1@0 p:1", "B.1@1 p:2")
            .CursorIs(("A.1", 1), ("B.1", 3));
        Assert.Equal(1, story.Totals.TwinsCaught);
    }

    [Fact]
    public void R10_a_gap_goes_with_the_cursor_once_the_acknowledged_position_is_beyond_it()
    {
        ReaderStory story = new ReaderStory()
            .Events("A.1", 0, 'p', 1, acknowledge: false)
            .Gap("A.1", 1, 5)
            .Events("A.1", 5, 'p', 6, acknowledge: false)
            .CursorIs();
        Assert.Empty(story.Reader.Confirmed().Jumps);
        story.Acknowledge('p', 6).CursorIs();
        story.Acknowledge('p', 1).CursorIs(("A.1", 6));
        Assert.Equal([new CursorJump(ReaderStory.Lane("A.1"), new Offset(1), new Offset(5))], story.Reader.Confirmed().Jumps);
        Assert.Equal(4, story.Totals.GapEvents);
    }

    [Fact]
    public void R10_what_is_handed_out_and_not_acknowledged_holds_the_cursor() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, count: 3, acknowledge: false)
        .Acknowledge('p', 2)
        .CursorIs()
        .Acknowledge('p', 1)
        .CursorIs(("A.1", 2))
        .Acknowledge('p', 3)
        .CursorIs(("A.1", 3));

    [Fact]
    public void F5_a_copy_of_what_is_not_acknowledged_holds_its_own_lane_too()
    {
        ReaderStory story = new ReaderStory()
            .Events("A.1", 0, 'p', 1, acknowledge: false)
            .Events("B.1", 0, 'p', 1)
            .Events("B.1", 1, 'q', 1)
            .Gives("A.1@0 p:1", "B.1@1 q:1")
            .CursorIs();
        // Had the cursor of B gone beyond the copy, nobody would give it again while A is away.
        story.Restart().Events("B.1", 0, 'p', 1).Events("B.1", 1, 'q', 1).Gives("B.1@0 p:1").CursorIs(("B.1", 2));
    }

    [Fact]
    public void R17_what_was_given_is_caught_wherever_it_comes_again() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, count: 3)
        .Gives("A.1@0 p:1", "A.1@1 p:2", "A.1@2 p:3")
        .Events("B.1", 0, 'p', 2, count: 3, after: [("A.1", 2)])
        .Gives("B.1@2 p:4")
        .Restart()
        .Events("C.1", 0, 'p', 1, count: 5)
        .Gives("C.1@4 p:5");

    [Fact]
    public void R17_what_was_handed_out_in_this_process_is_not_handed_out_again_by_a_reconnect() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, count: 2, acknowledge: false)
        .Gives("A.1@0 p:1", "A.1@1 p:2")
        .Reconnect()
        .Events("A.1", 0, 'p', 1, count: 3, acknowledge: false)
        .Gives("A.1@2 p:3")
        .CursorIs()
        .Acknowledge('p', 1)
        .Acknowledge('p', 2)
        .CursorIs(("A.1", 2));

    [Fact]
    public void R17_ranges_merge_to_one_when_the_sequences_between_are_covered()
    {
        ReaderStory story = new();
        for (int i = 0; i < 300; i++)
        {
            story.Events("A.1", i * 3, 'p', (i * 2) + 1)
                .Advance("A.1", (i * 3) + 1, (i * 3) + 3, new SequenceRun(ReaderStory.Producer('p'), 1, (i * 2) + 2, (i * 2) + 2));
        }

        GivenRuns runs = story.Reader.Given.Of(new ProducerEpoch(ReaderStory.Producer('p'), 1))!;
        Assert.True(runs.Contains(1) && runs.Contains(600) && !runs.Contains(601));
        Assert.InRange(runs.Runs.Count, 1, 65);
    }

    [Fact]
    public void R17_idle_producers_are_forgotten_and_counted()
    {
        ReaderStory story = new ReaderStory().Events("A.1", 0, 'p', 1);
        story.Now += 1000;
        story.Events("A.1", 1, 'q', 1);
        Assert.Equal(1, story.Reader.Given.Evict(story.Now));
        Assert.Null(story.Reader.Given.Of(new ProducerEpoch(ReaderStory.Producer('p'), 1)));
        Assert.NotNull(story.Reader.Given.Of(new ProducerEpoch(ReaderStory.Producer('q'), 1)));
    }

    [Fact]
    public void R7_the_same_sequence_of_another_epoch_is_another_event() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, epoch: 1)
        .Events("A.1", 1, 'p', 1, epoch: 2)
        .Events("B.1", 0, 'p', 1, epoch: 2)
        .Gives("A.1@0 p:1", "A.1@1 p:1");

    [Fact]
    public void R11_a_rewind_gives_again_exactly_what_is_at_or_behind_the_new_position()
    {
        ReaderStory story = new ReaderStory()
            .Events("A.1", 0, 'p', 1, count: 4)
            .Events("B.1", 0, 'q', 1, count: 2);
        story.Log.Clear();
        story.Rewound(ReaderStory.CursorAt(new Generation(1, ReaderStory.Lane("A.1")), ("A.1", 2), ("B.1", 2)))
            .Events("C.1", 0, 'p', 2)                    // a twin of what was given before the new position
            .Gives()
            .Events("A.1", 2, 'p', 3, count: 2)
            .Events("B.1", 2, 'q', 3)
            .Gives("A.1@2 p:3", "A.1@3 p:4", "B.1@2 q:3")
            .CursorIs(("A.1", 4), ("B.1", 3), ("C.1", 1));
    }

    [Fact]
    public void R11_acknowledgements_of_before_a_rewind_are_void()
    {
        ReaderStory story = new ReaderStory().Events("A.1", 0, 'p', 1, acknowledge: false);
        int life = story.Reader.Life;
        story.Rewound(ReaderStory.CursorAt(new Generation(1, ReaderStory.Lane("A.1"))));
        story.Reader.Acknowledge(ReaderStory.Identity('p', 1), 1, life, story.Now);
        story.CursorIs();
        story.Log.Clear();
        story.Events("A.1", 0, 'p', 1).Gives("A.1@0 p:1").CursorIs(("A.1", 1));
    }

    [Fact]
    public void R11_a_lower_generation_changes_nothing_and_a_higher_one_at_the_open_wins_whole()
    {
        ReaderStory story = new ReaderStory().Events("A.1", 0, 'p', 1, count: 3);
        story.Log.Clear();
        story.Reconnect(ReaderStory.CursorAt(new Generation(1, ReaderStory.Lane("A.1")), ("A.1", 1)));
        story.Rewound(ReaderStory.CursorAt(default(Generation), ("A.1", 0))).CursorIs(("A.1", 1));
        story.Events("A.1", 1, 'p', 2, count: 2).Gives("A.1@1 p:2", "A.1@2 p:3");
    }

    [Fact]
    public void R15_a_released_lane_ends_the_wait_once_all_that_is_here_of_it_was_received()
    {
        ReaderStory story = new ReaderStory()
            .Events("B.1", 0, 'p', 2, after: [("A.1", 5)])
            .Released("A.1", 1)
            .Gives()
            .Events("A.1", 0, 'q', 1)
            .Gives("A.1@0 q:1", "B.1@0 p:2!");
        Assert.Equal(1, story.Totals.ReleasedByClosure);
    }

    [Fact]
    public void R19c_what_was_received_and_is_held_back_is_not_released_by_the_end_of_its_lane() => new ReaderStory()
        .Events("A.1", 0, 'p', 2, after: [("D.1", 0)])
        .Events("B.1", 0, 'p', 3, after: [("A.1", 0)])
        .Released("A.1", 1)
        .Gives()
        .Events("D.1", 0, 'p', 1)
        .Gives("D.1@0 p:1", "A.1@0 p:2", "B.1@0 p:3");

    [Fact]
    public void R15_patience_runs_from_the_first_that_waits_and_not_anew_for_each_behind_it()
    {
        ReaderStory story = new ReaderStory(patience: 1000)
            .Events("B.1", 0, 'p', 2, after: [("A.1", 5)])
            .Tick(900)
            .Events("B.1", 1, 'q', 2, after: [("A.1", 6)])
            .Gives();
        Assert.Equal(story.Now + 100, story.Reader.Patience.Next);
        story.Tick(100)
            .Gives("B.1@0 p:2!", "B.1@1 q:2!")
            .Events("B.1", 2, 'p', 3, after: [("A.1", 5)])
            .Gives("B.1@2 p:3!");
        Assert.Equal(3, story.Totals.ReleasedByPatience);
    }

    [Fact]
    public void R15_a_lane_that_comes_up_to_what_was_awaited_is_given_patience_anew()
    {
        new ReaderStory(patience: 1000)
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Tick(1000)
            .Gives("B.1@0 p:2!")
            .Events("A.1", 0, 'p', 1)
            .Gives("A.1@0 p:1")
            .Events("B.1", 1, 'p', 4, after: [("A.1", 1)])
            .Tick(999)
            .Gives()
            .Tick(1)
            .Gives("B.1@1 p:4!");
    }

    [Fact]
    public void R15_the_patience_clock_survives_a_reconnect_and_a_restart()
    {
        ReaderStory story = new ReaderStory(patience: 1000)
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Tick(600)
            .Reconnect()
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Tick(300)
            .Restart()
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Gives();
        story.Tick(100).Gives("B.1@0 p:2!");
    }

    [Fact]
    public void R15_a_wait_that_is_over_leaves_no_clock_behind()
    {
        ReaderStory story = new ReaderStory(patience: 1000)
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Tick(900)
            .Events("A.1", 0, 'p', 1);
        Assert.Null(story.Reader.Patience.Next);
        story.Log.Clear();
        story.Events("B.1", 1, 'p', 4, after: [("A.1", 1)]).Tick(900).Gives();
    }

    [Fact]
    public void R19f_a_full_buffer_stops_one_lane_and_asks_for_it_again_when_there_is_room()
    {
        ReaderStory story = new ReaderStory(holdBack: 1)
            .Events("B.1", 0, 'p', 2, count: 3, after: [("A.1", 0)])
            .Events("B.1", 3, 'r', 1)                    // behind the stop: thrown away
            .Events("C.1", 0, 'q', 1)                    // other lanes go on
            .Gives("C.1@0 q:1")
            .CursorIs(("C.1", 1));
        Assert.Equal(1, story.Totals.LanesStopped);
        story.Events("A.1", 0, 'p', 1).Gives("A.1@0 p:1", "B.1@0 p:2", "B.1@1 p:3");
        Assert.Equal(["B.1@2"], story.Resumes);
        story.Events("B.1", 3, 'r', 1).Gives()           // still from before the resume
            .Events("B.1", 2, 'p', 4, after: [("A.1", 0)])
            .Events("B.1", 3, 'r', 1)
            .Gives("B.1@2 p:4", "B.1@3 r:1");
        Assert.Equal(["B.1@2"], story.Resumes);
    }

    [Fact]
    public void R19f_the_event_in_hand_moves_into_the_buffer_when_that_has_room()
    {
        ReaderStory story = new ReaderStory(holdBack: 1)
            .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
            .Events("C.1", 0, 'q', 2, after: [("D.1", 0)])
            .Events("A.1", 0, 'p', 1)
            .Gives("A.1@0 p:1", "B.1@0 p:2");
        Assert.Equal(["C.1@1"], story.Resumes);
        Assert.Equal(1, story.Reader.Held);
        story.Events("D.1", 0, 'q', 1).Gives("D.1@0 q:1", "C.1@0 q:2").CursorIs(("A.1", 1), ("B.1", 1), ("C.1", 1), ("D.1", 1));
    }

    [Fact]
    public void R19f_what_need_not_wait_passes_also_with_a_full_buffer() => new ReaderStory(holdBack: 1)
        .Events("B.1", 0, 'p', 2, after: [("A.1", 0)])
        .Events("B.1", 1, 'q', 1, count: 2)
        .Gives("B.1@1 q:1", "B.1@2 q:2");

    [Fact]
    public void A_hole_in_a_lane_is_asked_for_once_and_never_stepped_over()
    {
        ReaderStory story = new ReaderStory()
            .Events("A.1", 0, 'p', 1)
            .Events("A.1", 3, 'p', 4)
            .Events("A.1", 4, 'p', 5)
            .Gives("A.1@0 p:1")
            .CursorIs(("A.1", 1));
        Assert.Equal(["A.1@1"], story.Resumes);
        story.Events("A.1", 1, 'p', 2, count: 4).Gives("A.1@1 p:2", "A.1@2 p:3", "A.1@3 p:4", "A.1@4 p:5");
    }

    [Fact]
    public void A_delivery_that_begins_before_the_received_position_gives_only_what_is_new() => new ReaderStory()
        .Events("A.1", 0, 'p', 1, count: 2)
        .Events("A.1", 0, 'p', 1, count: 4)
        .Gives("A.1@0 p:1", "A.1@1 p:2", "A.1@2 p:3", "A.1@3 p:4");

    [Fact]
    public void A_delivery_that_contradicts_itself_is_a_fault_and_changes_nothing()
    {
        ReaderStory story = new();
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, default, default, "x"u8, 0);
        EventBatch batch = builder.Build(ReaderStory.Identity('p', 1), default, false);
        Delivery delivery = new()
        {
            Subscription = 1,
            Kind = DeliveryKind.Events,
            Partition = new PartitionId(0),
            Origin = ReaderStory.Lane("A.1"),
            From = new Offset(0),
            To = new Offset(1),
            BatchOffset = new Offset(7),
            Batch = batch.Bytes,
        };
        Assert.NotNull(story.Reader.Receive(delivery, batch, 0, story.Totals));
        story.Events("A.1", 0, 'p', 1).Gives("A.1@0 p:1");
    }
}
