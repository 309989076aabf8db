using Streams.Core;

namespace Streams.Client.Tests;

public class ProducerStateTests
{
    private const ulong Epoch = 7;
    private static readonly ProducerId Me = new(42);
    private static readonly StreamPartition P0 = new(StreamPath.Parse("/fleet"), new PartitionId(0));
    private static readonly Origin A = ReaderStory.Lane("A.1");
    private static readonly Origin B = ReaderStory.Lane("B.1");
    private readonly ProducerState _state = new(Me);
    private readonly List<ConfirmedRun> _confirmed = [];

    private PartitionProducer Partition => _state.Partition(P0);

    [Fact]
    public void R2_each_batch_names_what_was_sent_before_it_in_this_session()
    {
        Partition.Add(Epoch, 1, 9);
        Greet(A);
        Assert.Equal((0ul, 0L), Send(3).Predecessor);
        Assert.Equal((Epoch, 3L), Send(3).Predecessor);
        Greet(B);
        OutgoingBatch again = Send(4);
        Assert.Equal((1L, 4L, (0ul, 0L)), (again.First.Sequence, again.Last, again.Predecessor));
    }

    [Fact]
    public void R2_after_a_session_ends_everything_unconfirmed_is_sent_again_in_order()
    {
        Partition.Add(Epoch, 1, 9);
        Greet(A);
        OutgoingBatch first = Send(3);
        OutgoingBatch second = Send(3);
        Ack(second, A, 13);
        _state.EndSession();
        Ack(first, A, 10);                               // too late: the handshake will tell
        Greet(A);
        Assert.Equal([(1L, 3L), (7L, 9L)], SendAll().Select(static b => (b.First.Sequence, b.Last)));
    }

    [Fact]
    public void R4_R5_every_batch_names_the_highest_known_place_in_each_lane_but_the_own()
    {
        Partition.Add(Epoch, 1, 9);
        Greet(A);
        OutgoingBatch one = Send(2);
        OutgoingBatch two = Send(2);
        Ack(two, A, 22);
        Ack(one, A, 20);
        Assert.Equal(AfterVector.Empty, Send(1).After);
        Greet(B, Held(Epoch, 5, 5, A, 30));
        Assert.Equal("[a.0000000000000001:30]", Send(1).After.ToString());
        Assert.Equal("[a.0000000000000001:30]", Send(1).After.ToString());
    }

    [Fact]
    public void R5_of_one_clusters_incarnations_the_latest_eight_are_kept()
    {
        StandVector stand = new();
        for (int i = 1; i <= 12; i++)
        {
            stand.Raise(new EventPlace(ReaderStory.Lane($"A.{i}"), new Offset(i)));
        }

        stand.Raise(new EventPlace(B, new Offset(3)));
        Assert.Equal(9, stand.Places.Count);
        Assert.DoesNotContain(stand.Places, static p => p.Origin == ReaderStory.Lane("A.4"));
        Assert.False(stand.Raise(new EventPlace(B, new Offset(2))));
    }

    [Fact]
    public void R7_what_is_held_under_another_epoch_or_by_another_producer_is_not_ours()
    {
        Partition.Add(Epoch, 1, 4);
        IReadOnlyList<StreamPartition> rolledBack = Greet(A, Held(Epoch + 1, 1, 2, A, 0),
            new HeldRun(new SequenceRun(new ProducerId(43), Epoch, 1, 4), A, new Offset(9)));
        Assert.Empty(_confirmed);
        Assert.Equal([P0], rolledBack);
        Assert.Equal([(1L, 4L)], SendAll().Select(static b => (b.First.Sequence, b.Last)));
    }

    [Fact]
    public void R7_a_batch_holds_events_of_one_epoch()
    {
        Partition.Restore(3, [(Epoch - 1, 1, 3)]);
        Partition.Add(Epoch, 4, 6);
        Greet(A, Held(Epoch - 1, 1, 1, A, 0));
        Assert.Equal([(2L, 3L, Epoch - 1), (4L, 6L, Epoch)], SendAll().Select(static b => (b.First.Sequence, b.Last, b.First.Epoch)));
    }

    [Fact]
    public void R3_the_handshake_drops_exactly_what_is_held_and_says_where_it_stands()
    {
        Partition.Add(Epoch, 1, 10);
        IReadOnlyList<StreamPartition> rolledBack = Greet(B, Held(Epoch, 1, 3, A, 100), Held(Epoch, 6, 7, B, 5));
        Assert.Empty(rolledBack);
        Assert.Equal(["1-3@a.0000000000000001:100", "6-7@b.0000000000000001:5"], _confirmed.Select(static c => c.Placed.ToString()));
        Assert.Equal([(4L, 5L), (8L, 10L)], SendAll().Select(static b => (b.First.Sequence, b.Last)));
    }

    [Fact]
    public void R18_what_was_sent_in_another_session_without_an_answer_is_marked_and_nothing_else()
    {
        Partition.Add(Epoch, 1, 9);
        Greet(A);
        Assert.All([Send(3), Send(3)], static b => Assert.False(b.MayHaveTwins));
        Greet(B, Held(Epoch, 1, 3, A, 0));
        Assert.Equal([(4L, true), (7L, false)], new[] { Send(3), Send(3) }.Select(static b => (b.First.Sequence, b.MayHaveTwins)));
    }

    [Fact]
    public void R18_after_a_restart_all_of_the_outbox_is_marked()
    {
        Partition.Restore(5, [(Epoch - 1, 1, 5)]);
        Partition.Add(Epoch, 6, 6);
        Greet(A);
        Assert.Equal([true, false], SendAll().Select(static b => b.MayHaveTwins));
    }

    [Fact]
    public void A_rolled_back_outbox_shows_when_the_cluster_holds_sequences_beyond_ours()
    {
        Partition.Restore(5, [(Epoch - 1, 4, 5)]);
        Partition.Add(Epoch, 6, 6);
        Assert.Equal([P0], Greet(A, Held(Epoch - 1, 1, 5, A, 0), Held(99, 6, 20, A, 5)));
        Assert.Equal([(6L, 6L)], SendAll().Select(static b => (b.First.Sequence, b.Last)));
    }

    [Fact]
    public void An_answer_that_does_not_account_for_the_whole_batch_is_no_answer()
    {
        Partition.Add(Epoch, 1, 4);
        Greet(A);
        OutgoingBatch batch = Send(4);
        Assert.False(_state.Acknowledge(batch, [new PlacedRun(1, 2, A, new Offset(0)), new PlacedRun(4, 4, A, new Offset(3))], _confirmed));
        Assert.Equal([(1L, 4L)], Partition.Waiting);
    }

    [Fact]
    public void A_batch_refused_for_good_is_narrowed_until_the_guilty_event_stands_alone()
    {
        Partition.Add(Epoch, 1, 8);
        List<string> parked = [];
        for (int sessions = 0; Partition.Waiting.Count > 0; sessions++)
        {
            Assert.InRange(sessions, 0, 10);
            Greet(A);
            while (_state.TryNext(out PartitionProducer partition, out EventIdentity first, out long last))
            {
                OutgoingBatch batch = _state.Send(partition, first, last);
                if (batch.First.Sequence > 6 || batch.Last < 6)
                {
                    Ack(batch, A, batch.First.Sequence);
                    continue;
                }

                if (_state.Refuse(batch, allAlike: false))
                {
                    parked.Add($"{batch.First.Sequence}-{batch.Last}");
                }
            }
        }

        Assert.Equal(["6-6"], parked);
        Assert.Equal(7, _confirmed.Sum(static c => c.Placed.Last - c.Placed.First + 1));
    }

    [Fact]
    public void Partitions_take_turns()
    {
        StreamPartition p1 = P0 with { Partition = new PartitionId(1) };
        Partition.Add(Epoch, 1, 4);
        _state.Partition(p1).Add(Epoch, 1, 4);
        Greet(A);
        Assert.Equal([1, 0, 1, 0], new[] { Send(2), Send(2), Send(2), Send(2) }.Select(static b => (int)b.Partition.Partition.Value));
    }

    private static HeldRun Held(ulong epoch, long first, long last, Origin origin, long offset) =>
        new(new SequenceRun(Me, epoch, first, last), origin, new Offset(offset));

    private IReadOnlyList<StreamPartition> Greet(Origin own, params HeldRun[] held)
    {
        _state.BeginSession();
        return _state.ApplyHello(new HelloReply(1, own, [(P0, held)], []), _confirmed);
    }

    private OutgoingBatch Send(int count)
    {
        Assert.True(_state.TryNext(out PartitionProducer partition, out EventIdentity first, out long last));
        return _state.Send(partition, first, Math.Min(last, first.Sequence + count - 1));
    }

    private List<OutgoingBatch> SendAll()
    {
        List<OutgoingBatch> sent = [];
        while (_state.TryNext(out PartitionProducer partition, out EventIdentity first, out long last))
        {
            sent.Add(_state.Send(partition, first, last));
        }

        return sent;
    }

    private void Ack(OutgoingBatch batch, Origin origin, long offset) =>
        Assert.True(_state.Acknowledge(batch, [new PlacedRun(batch.First.Sequence, batch.Last, origin, new Offset(offset))], _confirmed));
}
