using Streams.Core;
using static Streams.Gateways.Tests.DeliveryWorld;

namespace Streams.Gateways.Tests;

/// <summary>Rules R9, R10 and R11 for plain sessions. Lanes are A1, B1, …: cluster and incarnation; p7 is sequence 7 of producer
/// p.</summary>
public sealed class GatedReaderTests
{
    private readonly DeliveryWorld _world = new();

    [Fact]
    public void Lanes_are_given_in_the_order_of_their_offsets_and_in_turns()
    {
        _world.Append("A1", 'p', 1, 3).Append("A1", 'q', 1, 1).Append("B1", 'r', 1, 2);
        Assert.Equal("A1@0=p1 A1@1=p2 A1@2=p3 B1@0=r1 B1@1=r2 A1@3=q1", _world.Run(Reader()));
    }

    [Fact]
    public void A_cursor_in_the_middle_of_a_batch_begins_there()
    {
        _world.Append("A1", 'p', 1, 4);
        Assert.Equal("A1@2=p3 A1@3=p4", _world.Run(Reader(CursorAt(At("A1", 2)))));
    }

    [Fact]
    public void A_lane_that_is_behind_the_cursor_waits_and_never_goes_back()
    {
        _world.Append("A1", 'p', 1, 2).Append("B1", 'r', 1, 1);
        GatedReader reader = Reader(CursorAt(At("A1", 3)));
        Assert.Equal("B1@0=r1", _world.Run(reader));
        _world.Append("A1", 'p', 3, 4);
        Assert.Equal("A1@3=p4", _world.Run(reader));
    }

    [Fact]
    public void Events_of_other_topics_are_skipped_and_the_cursor_goes_with_them()
    {
        _world.Append("A1", 'p', 1, 2).Append("A1", 'q', 1, 1).Append("A1", 'p', 3, 3);
        _world.Wanted = "q";
        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("A1@2=q1", _world.Run(reader, tickets));
        Assert.Equal("A1=2", Vector(reader.TakeCursor()));
        reader.Confirm(tickets[0]);
        Assert.Equal("A1=4", Vector(reader.TakeCursor()));
    }

    [Fact]
    public void The_cursor_is_the_vector_at_the_longest_confirmed_prefix()
    {
        _world.Append("A1", 'p', 1, 2).Append("B1", 'q', 1, 2);
        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("A1@0=p1 A1@1=p2 B1@0=q1 B1@1=q2", _world.Run(reader, tickets));
        reader.Confirm(tickets[2]);
        reader.Confirm(tickets[1]);
        Assert.False(reader.HasNews);
        Assert.Equal(2, reader.InFlight);
        reader.Confirm(tickets[0]);
        Assert.True(reader.HasNews);
        Assert.Equal("A1=2 B1=1", Vector(reader.TakeCursor()));
        Assert.False(reader.HasNews);
        reader.Confirm(tickets[3]);
        Assert.Equal("A1=2 B1=2", Vector(reader.TakeCursor()));
        Assert.Equal(0, reader.InFlight);
    }

    [Fact]
    public void A_twin_behind_the_position_is_skipped()
    {
        _world.Append("A1", 'p', 1, 2).Append("B1", 'p', 2, 3);
        GatedReader reader = Reader();
        Assert.Equal("A1@0=p1 A1@1=p2 B1@1=p3", _world.Run(reader));
        Assert.Equal(1, reader.Counts.TwinsSkipped);
    }

    [Fact]
    public void A_copy_appended_again_to_the_same_lane_is_a_twin_too()
    {
        _world.Append("A1", 'p', 1, 2).Append("A1", 'p', 2, 3);
        Assert.Equal("A1@0=p1 A1@1=p2 A1@3=p3", _world.Run(Reader()));
    }

    [Fact]
    public void A_twin_that_arrives_while_its_copy_is_in_flight_is_skipped_but_not_committed_before_it_F5()
    {
        _world.Append("A1", 'p', 1, 1);
        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("A1@0=p1", _world.Run(reader, tickets));
        _world.Append("B1", 'p', 1, 1);
        Assert.Equal("", _world.Run(reader));
        Assert.Equal(new Offset(1), reader.Position(O("B1")));
        Assert.Equal("", Vector(reader.TakeCursor()));

        // The session dies here and comes back with what was committed: the event is given, from whichever lane.
        Assert.Equal("A1@0=p1", _world.Run(Reader(reader.TakeCursor())));
        reader.Confirm(tickets[0]);
        Assert.Equal("A1=1 B1=1", Vector(reader.TakeCursor()));
    }

    [Fact]
    public void Stepping_over_a_gap_is_not_having_been_given_F6()
    {
        _world.Append("B1", 'p', 1, 1).Append("B1", 'q', 1, 1).Trim("B1", 1);
        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("B1@1=q1", _world.Run(reader, tickets));
        _world.Append("A1", 'p', 1, 1);
        Assert.Equal("A1@0=p1", _world.Run(reader, tickets));
        Assert.Equal(1, reader.Counts.GapEvents);
        tickets.ForEach(reader.Confirm);
        Cursor cursor = reader.TakeCursor();
        Assert.Equal([new CursorJump(O("B1"), default, new Offset(1))], cursor.Jumps);

        // The cursor carries the gap to the next session, at whatever cluster.
        Assert.Equal("A1@0=p1", _world.Run(Reader(CursorWith(cursor, At("A1", 0)))));
    }

    [Fact]
    public void A_copy_that_retention_took_behind_the_position_is_ground_for_skipping()
    {
        _world.Append("B1", 'p', 1, 1).Append("B1", 'q', 1, 1);
        GatedReader reader = Reader();
        Assert.Equal("B1@0=p1 B1@1=q1", _world.Run(reader));
        _world.Trim("B1", 1).Append("A1", 'p', 1, 1);
        Assert.Equal("", _world.Run(reader));
    }

    [Fact]
    public void A_batch_waits_until_the_session_has_passed_what_it_names()
    {
        _world.Append("B1", 'p', 3, 3, At("A1", 1)).Append("B1", 'q', 1, 1);
        GatedReader reader = Reader();
        Assert.Equal("", _world.Run(reader));
        Assert.True(reader.IsWaiting);
        Assert.Equal(0, reader.ReadAheadBytes);
        _world.Append("A1", 'p', 1, 2);
        Assert.Equal("A1@0=p1 A1@1=p2 B1@0=p3 B1@1=q1", _world.Run(reader));
        Assert.False(reader.IsWaiting);
    }

    [Fact]
    public void A_higher_generation_starts_the_session_again_and_old_confirmations_count_for_nothing_R11()
    {
        _world.Append("A1", 'p', 1, 3);
        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("A1@0=p1 A1@1=p2 A1@2=p3", _world.Run(reader, tickets));
        Cursor rewound = new(new Generation(1, O("A1")), CursorAt(At("A1", 1)).Positions, []);
        Assert.True(reader.Observe(rewound));
        Assert.False(reader.Observe(rewound));
        tickets.ForEach(reader.Confirm);
        Assert.Equal("A1=1", Vector(reader.TakeCursor()));
        tickets.Clear();
        Assert.Equal("A1@1=p2 A1@2=p3", _world.Run(reader, tickets));
        tickets.ForEach(reader.Confirm);
        Cursor cursor = reader.TakeCursor();
        Assert.Equal("A1=3", Vector(cursor));
        Assert.Equal(1, cursor.Generation.Number);
    }

    [Fact]
    public void A_dropped_read_ahead_is_read_again_without_loss_or_repetition()
    {
        _world.Append("A1", 'p', 1, 4).Append("B1", 'q', 1, 2);
        GatedReader reader = Reader();
        Assert.Equal("A1@0=p1 A1@1=p2", _world.Run(reader, limit: 2));
        Assert.True(reader.ReadAheadBytes > 0);
        reader.DropReadAhead();
        Assert.Equal(0, reader.ReadAheadBytes);
        Assert.Equal("A1@2=p3 A1@3=p4 B1@0=q1 B1@1=q2", _world.Run(reader));
    }

    [Fact]
    public void However_much_is_skipped_behind_an_event_in_flight_its_place_is_one_position_a_lane()
    {
        _world.Wanted = "p";
        _world.Append("A1", 'p', 1, 1);
        for (int i = 1; i <= 500; i++)
        {
            _world.Append(i % 2 == 0 ? "A1" : "B1", 'q', i, i);
        }

        GatedReader reader = Reader();
        List<long> tickets = [];
        Assert.Equal("A1@0=p1", _world.Run(reader, tickets));
        Assert.Equal("", Vector(reader.TakeCursor()));
        reader.Confirm(tickets[0]);
        Assert.Equal("A1=251 B1=250", Vector(reader.TakeCursor()));
    }

    private GatedReader Reader(Cursor? cursor = null) => new(_world, _world, cursor ?? Cursor.Start, ReaderLimits.Default);

    private static Cursor CursorWith(Cursor cursor, EventPlace place) => cursor.With(place.Origin, place.Offset);
}
