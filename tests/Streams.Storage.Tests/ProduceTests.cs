using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

public sealed class ProduceTests
{
    [Fact]
    public async Task R1_what_is_not_flushed_is_not_held_not_read_and_not_acknowledged()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        scene.Disk.FlushGate.Reset();
        int flushes = scene.Disk.FlushesBegun;
        Task<ProduceResult> sent = scene.SendAsync(session, Batch(Car(1), 1, 3));
        await Until(() => scene.Disk.FlushesBegun > flushes);

        Assert.False(sent.IsCompleted);
        Assert.Empty(scene.Store.Held(Car(1), P0, 1));
        Assert.Empty(scene.Store.Lanes());
        Assert.Empty(scene.Store.Topics(Fleet, 10));
        using (LaneSlice slice = await scene.Store.ReadAsync(scene.Own, Offset.Zero, 1000, default))
        {
            Assert.Empty(slice.Entries);
        }

        scene.Disk.FlushGate.Set();
        ProduceResult result = await sent;
        Assert.Equal([new PlacedRun(1, 3, scene.Origin, Offset.Zero)], result.Placed);
        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 1, 3), scene.Origin, Offset.Zero)], scene.Store.Held(Car(1), P0, 1));
        Assert.Equal(["1:1", "1:2", "1:3"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task R1_a_copy_that_is_not_flushed_is_neither_appended_again_nor_answered_before_the_flush()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession first = scene.Store.BeginProducer(Car(1));
        scene.Disk.FlushGate.Reset();
        int flushes = scene.Disk.FlushesBegun;
        Task<ProduceResult> sent = scene.SendAsync(first, Batch(Car(1), 1, 3));
        await Until(() => scene.Disk.FlushesBegun > flushes);
        ProducerSession second = scene.Store.BeginProducer(Car(1));
        Assert.Empty(scene.Store.Held(Car(1), P0, 1));
        Task<ProduceResult> again = scene.SendAsync(second, Batch(Car(1), 1, 3, twins: true));
        Assert.False(again.IsCompleted);

        scene.Disk.FlushGate.Set();
        Assert.Equal((await sent).Placed, (await again).Placed);
        Assert.Equal(3, (await scene.PayloadsAsync()).Count);
    }

    [Fact]
    public async Task Batches_given_at_once_share_one_flush_and_each_has_its_own_answer()
    {
        await using Scene scene = await OpenAsync();
        ProducedBatch[] batches = [.. Enumerable.Range(0, 200).Select(i => new ProducedBatch(scene.Store.BeginProducer(Car(i)),
            i % 2 == 0 ? P0 : Part(1), AfterVector.Empty, Batch(Car(i), 1, 2, after: i == 7 ? 3 : 0)))];
        int flushes = scene.Disk.FlushesBegun;
        ProduceResult[] results = await Task.WhenAll(scene.Store.ProduceAll(batches));
        Assert.Equal(1, scene.Disk.FlushesBegun - flushes);
        Assert.Equal(ProduceRefusal.OutOfOrder, results[7].Refusal);
        Assert.All(results.Where(static (_, i) => i != 7), static r => Assert.Equal(ProduceRefusal.None, r.Refusal));
        Assert.Equal(new Offset(4), results[4].Placed[0].FirstOffset);
        Assert.Equal(200, (await scene.PayloadsAsync()).Count);
    }

    [Fact]
    public async Task R2_a_batch_that_does_not_follow_the_last_one_ends_the_session()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(session, Batch(Car(1), 1, 2))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await scene.SendAsync(session, Batch(Car(1), 5, 2, after: 4))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await scene.SendAsync(session, Batch(Car(1), 3, 2, after: 2))).Refusal);
        ProducerSession next = scene.Store.BeginProducer(Car(1));
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(next, Batch(Car(1), 3, 2))).Refusal);
        Assert.Equal(["1:1", "1:2", "1:3", "1:4"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task R2_the_predecessor_must_agree_in_epoch_and_is_kept_for_each_partition()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(session, Batch(Car(1), 1, 2))).Refusal);
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(session, Batch(Car(1), 1, 1), Part(1))).Refusal);
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(session, Batch(Car(1), 3, 1, after: 2, epoch: 8, afterEpoch: 7))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await scene.SendAsync(session, Batch(Car(1), 4, 1, after: 3, epoch: 8,
            afterEpoch: 7))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await scene.SendAsync(session, Batch(Car(1), 2, 1, after: 1), Part(1))).Refusal);
    }

    [Fact]
    public async Task R2_a_session_that_begins_behind_a_gap_is_accepted()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        ProduceResult result = await scene.SendAsync(session, Batch(Car(1), 40, 2));
        Assert.Equal([new PlacedRun(40, 41, scene.Origin, Offset.Zero)], result.Placed);
    }

    [Fact]
    public async Task R2_a_newer_session_shuts_out_every_batch_of_older_ones()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession old = scene.Store.BeginProducer(Car(1));
        ProducerSession other = scene.Store.BeginProducer(Car(2));
        _ = scene.Store.BeginProducer(Car(1));
        Assert.Equal(ProduceRefusal.OlderSession, (await scene.SendAsync(old, Batch(Car(1), 1, 2))).Refusal);
        Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(other, Batch(Car(2), 1, 2))).Refusal);
        await scene.ReopenAsync();
        Assert.Equal(ProduceRefusal.OlderSession, (await scene.SendAsync(other, Batch(Car(2), 3, 2, after: 2))).Refusal);
    }

    [Fact]
    public async Task R3_held_is_a_set_of_runs_and_a_gap_is_not_held()
    {
        await using Scene scene = await OpenAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 3));
        await scene.SendAsync(scene.Store.BeginProducer(Car(2)), Batch(Car(2), 1, 1));
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 7, 2));
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 4, 1));
        Assert.Equal(
            [new HeldRun(new SequenceRun(Car(1), 7, 1, 3), scene.Origin, new Offset(0)),
             new HeldRun(new SequenceRun(Car(1), 7, 4, 4), scene.Origin, new Offset(6)),
             new HeldRun(new SequenceRun(Car(1), 7, 7, 8), scene.Origin, new Offset(4))],
            scene.Store.Held(Car(1), P0, 1));
        Assert.Equal([7L], scene.Store.Held(Car(1), P0, 5).Select(h => h.Run.First));
    }

    [Fact]
    public async Task R3_runs_that_go_on_in_sequence_and_offset_are_one()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < 10; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), 1 + (2 * i), 2, after: 2 * i));
        }

        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 1, 20), scene.Origin, Offset.Zero)], scene.Store.Held(Car(1), P0, 0));
    }

    [Fact]
    public async Task R6_a_batch_all_of_which_the_own_lane_holds_is_answered_with_where_it_stands()
    {
        await using Scene scene = await OpenAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2));
        await scene.SendAsync(scene.Store.BeginProducer(Car(2)), Batch(Car(2), 1, 5));
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 3, 2));
        ProduceResult result = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 2, 3));
        Assert.Equal([new PlacedRun(2, 2, scene.Origin, new Offset(1)), new PlacedRun(3, 4, scene.Origin, new Offset(7))], result.Placed);
        Assert.Equal(9, (await scene.PayloadsAsync()).Count);
    }

    [Fact]
    public async Task R6_a_batch_held_in_part_is_appended_whole()
    {
        await using Scene scene = await OpenAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2));
        ProduceResult result = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 2, 3));
        Assert.Equal([new PlacedRun(2, 4, scene.Origin, new Offset(2))], result.Placed);
        Assert.Equal(["1:1", "1:2", "1:2", "1:3", "1:4"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task R6_a_copy_in_a_foreign_lane_is_held_for_the_handshake_but_not_for_a_batch()
    {
        await using Scene ny = await OpenAsync(2);
        ny.Origin = Of("ny");
        await ny.ReopenAsync();
        await ny.SendAsync(ny.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2));
        await using Scene scene = await OpenAsync();
        LaneId foreign = new(P0, Of("ny"));
        await scene.Store.IngestAsync(foreign, await ny.EntriesAsync(foreign), default);

        Assert.Equal([Of("ny")], scene.Store.Held(Car(1), P0, 1).Select(h => h.Origin));
        ProduceResult result = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2, twins: true));
        Assert.Equal([new PlacedRun(1, 2, scene.Origin, Offset.Zero)], result.Placed);
    }

    [Fact]
    public async Task R7_the_same_sequence_of_another_epoch_or_partition_is_another_event()
    {
        await using Scene scene = await OpenAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2));
        ProduceResult epoch = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2, epoch: 9));
        ProduceResult partition = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2), Part(1));
        Assert.Equal(2, epoch.Placed[0].FirstOffset.Value);
        Assert.Equal(0, partition.Placed[0].FirstOffset.Value);
        Assert.Equal([7UL, 9UL], scene.Store.Held(Car(1), P0, 1).Select(h => h.Run.Epoch));
    }

    [Fact]
    public async Task R18_copies_in_other_lanes_are_found_cut_to_what_was_asked()
    {
        await using Scene ny = await OpenAsync(2);
        ny.Origin = Of("ny");
        await ny.ReopenAsync();
        await ny.SendAsync(ny.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 6));
        await using Scene scene = await OpenAsync();
        LaneId foreign = new(P0, Of("ny"));
        await scene.Store.IngestAsync(foreign, await ny.EntriesAsync(foreign), default);
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 4, 3, twins: true));

        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 5, 6), Of("ny"), new Offset(4))],
            scene.Store.Copies(P0, new SequenceRun(Car(1), 7, 5, 9), scene.Origin));
        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 4, 6), scene.Origin, new Offset(0))],
            scene.Store.Copies(P0, new SequenceRun(Car(1), 7, 1, 6), Of("ny")));
        Assert.Empty(scene.Store.Copies(P0, new SequenceRun(Car(1), 8, 1, 6), Of("ny")));
    }

    [Fact]
    public async Task Before_writing_begins_own_entries_are_refused_and_links_are_served()
    {
        await using Scene scene = new();
        await scene.OpenStoreAsync(write: false);
        ProduceResult refused = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 1));
        Assert.Equal(ProduceRefusal.NotWriting, refused.Refusal);
        await Assert.ThrowsAsync<TryAgainException>(async () =>
            await scene.Store.CommitAsync(ConsumerName.Parse("c"), P0, Cursor.Start.With(scene.Origin, new Offset(1)), default));
        await Assert.ThrowsAsync<TryAgainException>(async () => await scene.Store.AppendPlainAsync(P0, new PlainEvent("t"u8.ToArray(),
            default, default, default, 1), default));
        await scene.Store.SkipToAsync(new LaneId(P0, Of("ny")), new EntryNumber(5), new Offset(9), default);
        Assert.Equal(5, scene.Store.Lane(new LaneId(P0, Of("ny")))!.Value.NextEntry.Value);
    }

    [Fact]
    public async Task A_batch_of_another_producer_than_the_session_is_invalid()
    {
        await using Scene scene = await OpenAsync();
        ProduceResult refused = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(2), 1, 1));
        Assert.Equal(ProduceRefusal.Invalid, refused.Refusal);
    }

    internal static async Task Until(Func<bool> holds)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(20));
        while (!holds())
        {
            Assert.False(patience.IsCancellationRequested, "waited in vain");
            await Task.Yield();
        }
    }
}
