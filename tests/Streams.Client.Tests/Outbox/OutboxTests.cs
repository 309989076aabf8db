using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public sealed class OutboxTests : IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private readonly TemporaryDirectory _directory = new();

    private string File => Path.Combine(_directory.FullName, "outbox.db");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Sequences_are_contiguous_in_each_partition_from_1_on()
    {
        await using EventOutbox outbox = Open();
        Dictionary<StreamPartition, List<long>> given = [];
        foreach (PublishReceipt receipt in await Task.WhenAll(Enumerable.Range(0, 500).Select(i =>
            Publish(outbox, $"car-{i % 37}", i).AsTask())))
        {
            Assert.Equal(outbox.Epoch, receipt.Identity.Epoch);
            given.TryAdd(receipt.Partition, []);
            given[receipt.Partition].Add(receipt.Identity.Sequence);
        }

        Assert.Equal(StreamSettings.DefaultPartitions, given.Count);
        Assert.All(given.Values, static sequences => Assert.Equal(Enumerable.Range(1, sequences.Count).Select(static i => (long)i),
            sequences.Order()));
        Assert.Equal(500, outbox.Events);
    }

    [Fact]
    public async Task Publishes_of_one_caller_keep_their_order()
    {
        await using EventOutbox outbox = Open();
        for (int i = 1; i <= 50; i++)
        {
            Assert.Equal(i, (await Publish(outbox, "car-1", i)).Identity.Sequence);
        }

        Assert.Equal(Enumerable.Range(1, 50), Read(outbox, "car-1", 1, 50));
    }

    [Fact]
    public async Task R7_each_opening_has_an_epoch_of_its_own_and_the_producer_stays()
    {
        List<(ProducerId Producer, ulong Epoch)> openings = [];
        for (int i = 0; i < 3; i++)
        {
            await using EventOutbox outbox = Open();
            openings.Add((outbox.Producer, outbox.Epoch));
            await Publish(outbox, "car-1", i);
        }

        await using EventOutbox last = Open();
        Assert.Single(openings.Select(static o => o.Producer).Distinct());
        Assert.Equal(3, openings.Select(static o => o.Epoch).Distinct().Count());
        Assert.Equal(openings.Select(static (o, i) => (o.Epoch, i + 1L, i + 1L)), Restored(last).Waiting);
        Assert.Equal(4, (await Publish(last, "car-1", 9)).Identity.Sequence);
    }

    [Fact]
    public async Task What_was_acknowledged_to_a_publisher_is_there_after_a_kill()
    {
        await using (EventOutbox outbox = Open())
        {
            for (int i = 1; i <= 20; i++)
            {
                await Publish(outbox, "car-1", i);
            }

            Kill();                                      // the files as they are at this moment, without any closing
        }

        await using EventOutbox reopened = EventOutbox.Open(File + ".killed", 1 << 20, TimeProvider.System, new Random(2),
            NullLogger.Instance);
        Assert.Equal(20, reopened.Events);
        Assert.Equal(Enumerable.Range(1, 20), Read(reopened, "car-1", 1, 20));
    }

    [Fact]
    public async Task Confirmed_events_leave_and_the_holes_are_found_again_at_the_next_opening()
    {
        StreamPartition partition;
        await using (EventOutbox outbox = Open())
        {
            partition = (await Publish(outbox, "car-1", 1)).Partition;
            for (int i = 2; i <= 10; i++)
            {
                await Publish(outbox, "car-1", i);
            }

            EventPlace[] stand = [new(ReaderStory.Lane("A.1"), new Offset(7)), new(ReaderStory.Lane("B.1"), new Offset(1))];
            await outbox.WriteAsync(new ConfirmOperation([Confirmed(outbox, partition, 1, 3), Confirmed(outbox, partition, 6, 7)],
                [partition], _ => stand));
            await outbox.RunAsync(static _ => 0);
            Assert.Equal(5, outbox.Events);
        }

        await using EventOutbox reopened = Open();
        RestoredPartition restored = Restored(reopened);
        Assert.Equal([(4L, 5L), (8L, 10L)], restored.Waiting.Select(static w => (w.First, w.Last)));
        Assert.Equal(10, restored.Highest);
        Assert.Equal(["a.0000000000000001:7", "b.0000000000000001:1"], restored.Stand.Select(static p => p.ToString()));
    }

    [Fact]
    public async Task Confirmations_written_in_another_order_than_they_were_made_keep_the_latest_place()
    {
        StreamPartition partition;
        await using (EventOutbox outbox = Open())
        {
            partition = (await Publish(outbox, "car-1", 1)).Partition;
            for (int i = 2; i <= 4; i++)
            {
                await Publish(outbox, "car-1", i);
            }

            // Rule R5: two answers are handled side by side; the first one's operation is made first and written last.
            StandVector known = new();
            known.Raise(new EventPlace(ReaderStory.Lane("A.1"), new Offset(1)));
            ConfirmOperation earlier = new([Confirmed(outbox, partition, 1, 2)], [partition], _ => known.Places);
            known.Raise(new EventPlace(ReaderStory.Lane("A.1"), new Offset(3)));
            await outbox.WriteAsync(new ConfirmOperation([Confirmed(outbox, partition, 3, 4)], [partition], _ => known.Places));
            await outbox.WriteAsync(earlier);
            await outbox.RunAsync(static _ => 0);
            Assert.Equal(0, outbox.Events);
        }

        await using EventOutbox reopened = Open();
        Assert.Equal(["a.0000000000000001:3"], Restored(reopened).Stand.Select(static p => p.ToString()));
    }

    [Fact]
    public async Task A_full_outbox_makes_publishers_wait_and_lets_them_in_as_events_leave()
    {
        await using EventOutbox outbox = Open(maxBytes: 10_000);
        List<Task<PublishReceipt>> publishes = [.. Enumerable.Range(0, 10).Select(i => Publish(outbox, "car-1", i, bytes: 2000).AsTask())];
        await Eventually.EqualAsync(4, () => publishes.Count(static p => p.IsCompleted), "four of ten are let in");
        Assert.Equal(6, outbox.Gate.Waiting);
        StreamPartition partition = (await publishes[0]).Partition;
        await outbox.WriteAsync(new ConfirmOperation([Confirmed(outbox, partition, 1, 2)], [], static _ => []));
        await Eventually.EqualAsync(6, () => publishes.Count(static p => p.IsCompleted), "two more are let in");
        await outbox.WriteAsync(new ConfirmOperation([Confirmed(outbox, partition, 3, 6)], [], static _ => []));
        await Eventually.EqualAsync(10, () => publishes.Count(static p => p.IsCompleted), "all are let in");
    }

    // Small and great ones mixed, so that a small one would find room that a great one before it waits for; the room comes while
    // further ones are published.
    [Theory]
    [InlineData(20_000)]
    [InlineData(200_000)]
    [InlineData(4 << 20)]
    public async Task Publishes_that_nobody_awaits_keep_their_order_while_the_outbox_is_full(long maxBytes)
    {
        await using EventOutbox outbox = Open(maxBytes);
        Random random = new(7);
        List<Task<PublishReceipt>> publishes = [];
        long confirmed = 0;
        long published = 0;
        while (published < 4 * maxBytes)
        {
            for (int i = 0; i < 500; i++)
            {
                int bytes = random.Next(8) == 0 ? random.Next(4, 4000) : random.Next(4, 40);
                publishes.Add(Publish(outbox, "car-1", publishes.Count, bytes).AsTask());
                published += bytes + 64;
            }

            if (outbox.Gate.Waiting > 0)
            {
                PublishReceipt first = await publishes[(int)confirmed];
                long last = await outbox.RunAsync(t => t.Database.Scalar("SELECT max(id) & ((1 << 44) - 1) FROM events"));
                last = Math.Max(confirmed + 1, last / 2 + (confirmed / 2));
                ConfirmedRun run = Confirmed(outbox, first.Partition, confirmed + 1, last);
                await outbox.WriteAsync(new ConfirmOperation([run], [], static _ => []));
                confirmed = last;
            }
        }

        Assert.True(confirmed > 0);
        int stored = (int)await outbox.RunAsync(static t => t.Database.Scalar("SELECT max(id) & ((1 << 44) - 1) FROM events"));
        PublishReceipt[] told = await Task.WhenAll(publishes.Take(stored)).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(Enumerable.Range(1, stored).Select(static i => (long)i), told.Select(static r => r.Identity.Sequence));
        _ = Task.WhenAll(publishes).ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);   // those left wait in vain
    }

    [Fact]
    public async Task The_byte_cap_holds_after_a_restart_and_waiting_can_be_cancelled()
    {
        await using (EventOutbox outbox = Open(maxBytes: 10_000))
        {
            await Publish(outbox, "car-1", 1, bytes: 9000);
        }

        await using EventOutbox full = Open(maxBytes: 10_000);
        using CancellationTokenSource cancel = new();
        Task<PublishReceipt> waiting = full.PublishAsync(Fleet, Event("car-1", new byte[9000]), cancel.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(1, full.Events);
    }

    [Fact]
    public async Task A_second_opening_is_refused_and_says_why()
    {
        await using EventOutbox outbox = Open();
        StorageFailedException e = Assert.Throws<StorageFailedException>(() => Open());
        Assert.Contains($"outbox {File} is in use by another process", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_is_kept_aside_and_what_can_be_read_of_it_is_there_under_its_identity()
    {
        ProducerId before;
        PublishReceipt first;
        await using (EventOutbox outbox = Open())
        {
            before = outbox.Producer;
            first = await Publish(outbox, "car-1", 1);
        }

        byte[] bytes = await System.IO.File.ReadAllBytesAsync(File);
        new Random(3).NextBytes(bytes.AsSpan(0, 200));
        await System.IO.File.WriteAllBytesAsync(File, bytes);
        CollectingLoggerProvider logs = new();
        await using EventOutbox fresh = EventOutbox.Open(File, 1 << 20, TimeProvider.System, new Random(4), logs.CreateLogger("t"));
        Assert.Equal((1, before), (fresh.Events, fresh.Producer));
        Assert.Equal([(first.Identity.Epoch, 1L, 1L)], Restored(fresh).Waiting);
        Assert.Equal(bytes, await System.IO.File.ReadAllBytesAsync(Assert.Single(
            Directory.GetFiles(_directory.FullName, "outbox.db.damaged-*"))));
        Assert.Contains("is damaged", logs.Logs.Text, StringComparison.Ordinal);
        Assert.Equal(2, (await Publish(fresh, "car-1", 1)).Identity.Sequence);
    }

    [Fact]
    public async Task Refused_events_are_put_aside_with_the_reason_and_free_their_room()
    {
        await using EventOutbox outbox = Open();
        PublishReceipt receipt = await Publish(outbox, "car-1", 7);
        await outbox.WriteAsync(new ParkOperation(receipt.Partition, 1, 1, "0x87 no"));
        (long count, string reason) = await outbox.RunAsync(static t =>
            (t.Database.Scalar("SELECT count(*) FROM refused"), t.Database.ScalarText("SELECT reason FROM refused")));
        Assert.Equal((1, "0x87 no"), (count, reason));
        Assert.Equal((0L, 0L), (outbox.Events, outbox.Gate.Inside));
    }

    [Fact]
    public async Task A_newer_format_is_refused_and_left_alone()
    {
        await using (EventOutbox outbox = Open())
        {
            await Publish(outbox, "car-1", 1);
        }

        using (OutboxDatabase database = new(File, writable: true))
        {
            database.Execute("PRAGMA user_version=99; DELETE FROM copies");      // which would name that format too
        }

        Assert.Contains("format 99", Assert.Throws<StorageFailedException>(() => Open()).Message, StringComparison.Ordinal);
        Assert.True(System.IO.File.Exists(File));
    }

    [Fact]
    public async Task A_window_is_bounded_in_bytes_and_a_great_event_goes_alone()
    {
        await using EventOutbox outbox = Open();
        StreamPartition partition = (await Publish(outbox, "car-1", 1, bytes: 3000)).Partition;
        await Publish(outbox, "car-1", 2, bytes: 3000);
        await Publish(outbox, "car-1", 3, bytes: 9000);
        await Publish(outbox, "car-1", 4, bytes: 10);
        using EventWindow window = new(File);
        EventBatchBuilder builder = new();
        List<(long First, long Last)> batches = [];
        for (long next = 1; next <= 4;)
        {
            long last = window.Read(outbox.RowId(partition), new EventIdentity(outbox.Producer, outbox.Epoch, next), 4, 8192, builder,
                out bool oneTopic);
            Assert.True(oneTopic);
            batches.Add((next, last));
            next = last + 1;
            builder.Clear();
        }

        Assert.Equal([(1L, 2L), (3L, 3L), (4L, 4L)], batches);
    }

    [Fact]
    public async Task Consumers_are_kept_with_cursor_waits_and_ranges()
    {
        Cursor cursor = ReaderStory.CursorAt(("A.1", 4), ("B.2", 9));
        GivenRuns runs = new();
        runs.Add(new GivenRun(1, 4, ReaderStory.Lane("A.1"), 0, 3));
        KeptRuns given = new(new ProducerEpoch(ReaderStory.Producer('p'), ulong.MaxValue), runs.Write(), 5);
        KeptPartition kept = new(new PartitionId(3), cursor, [new KeptWait(ReaderStory.Lane("C.1"), -4, 7, true)], [given]);
        await using (EventOutbox outbox = Open())
        {
            (long id, IReadOnlyList<KeptPartition> none) = await outbox.RunAsync(static t =>
                ConsumerStore.Load(t, ConsumerName.Parse("c"), Fleet));
            Assert.Empty(none);
            await outbox.RunAsync(t =>
            {
                ConsumerStore.Save(t, id, [kept]);
                return 0;
            });
        }

        await using EventOutbox reopened = Open();
        KeptPartition loaded = Assert.Single((await reopened.RunAsync(static t => ConsumerStore.Load(t, ConsumerName.Parse("c"), Fleet)))
            .Partitions);
        Assert.Equal((kept.Partition, cursor), (loaded.Partition, loaded.Cursor));
        Assert.Equal(kept.Waits, loaded.Waits);
        Assert.Equal((given.Key, given.LastActive), (loaded.Given[0].Key, loaded.Given[0].LastActive));
        Assert.Equal(runs.Runs, GivenRuns.Read(loaded.Given[0].Runs).Runs);
    }

    private EventOutbox Open(long maxBytes = 1 << 20) =>
        EventOutbox.Open(File, maxBytes, TimeProvider.System, new Random(), NullLogger.Instance);

    private static PlainEvent Event(string topic, byte[] payload) => new(Encoding.UTF8.GetBytes(topic), default, default, payload, 0);

    private static ValueTask<PublishReceipt> Publish(EventOutbox outbox, string topic, int number, int bytes = 4)
    {
        byte[] payload = new byte[bytes];
        BitConverter.TryWriteBytes(payload, number);
        return outbox.PublishAsync(Fleet, Event(topic, payload), default);
    }

    private static RestoredPartition Restored(EventOutbox outbox) => outbox.Restored.Single();

    private static ConfirmedRun Confirmed(EventOutbox outbox, StreamPartition partition, long first, long last) =>
        new(partition, outbox.Epoch, new PlacedRun(first, last, ReaderStory.Lane("A.1"), new Offset(first)));

    private static List<int> Read(EventOutbox outbox, string topic, long first, long last)
    {
        StreamPartition partition = new(Fleet, Partitioner.For(default, Encoding.UTF8.GetBytes(topic), StreamSettings.DefaultPartitions));
        ulong epoch = outbox.Restored.Where(r => r.Partition == partition).SelectMany(r => r.Waiting)
            .Select(w => (ulong?)w.Epoch).FirstOrDefault() ?? outbox.Epoch;
        using EventWindow window = new(outbox.Path);
        EventBatchBuilder builder = new();
        EventIdentity identity = new(outbox.Producer, epoch, first);
        Assert.Equal(last, window.Read(outbox.RowId(partition), identity, last, 1 << 20, builder, out _));
        List<int> numbers = [];
        foreach (EventView view in builder.Build(identity, default, false).Events)
        {
            numbers.Add(BitConverter.ToInt32(view.Payload.Span));
        }

        return numbers;
    }

    private void Kill()
    {
        foreach (string suffix in new[] { "", "-wal" })
        {
            System.IO.File.Copy(File + suffix, File + ".killed" + suffix);
        }
    }
}
