using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public sealed class ReceiptsTests
{
    private static readonly StreamPartition Partition = new(StreamPath.Parse("/fleet"), new PartitionId(0));
    private static readonly Origin Origin = ReaderStory.Lane("A.1");
    private static readonly PublishOutcome[] Outcomes = [PublishOutcome.Dropped, PublishOutcome.Stored, PublishOutcome.Expired];
    private readonly Receipts _receipts = new(ProducerId.Create(new Random(1)), 7);

    [Fact]
    public async Task Who_asks_before_and_who_asks_after_are_told_the_same()
    {
        Task<StoredEvent> before = Of(12).Stored;
        Assert.Same(before, Of(12).Stored);
        Assert.Equal(PublishOutcome.Waiting, Of(12).Outcome);
        Complete(10, 14, 100);
        StoredEvent stored = await before.WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(new EventPlace(Origin, new Offset(102)), stored.Place);
        Assert.Equal(12, stored.Identity.Sequence);
        Assert.Equal(stored, await Of(12).Stored);
        Assert.Equal(PublishOutcome.Stored, Of(12).Outcome);
        Assert.Equal(PublishOutcome.Waiting, Of(15).Outcome);
        Assert.False(Of(15).Stored.IsCompleted);
    }

    [Fact]
    public async Task What_is_told_twice_stays_as_it_was_first()
    {
        Complete(1, 5, 0);
        Complete(8, 9, 50);
        Complete(3, 12, 200);                            // what a hello tells once more, and what it tells new
        long[] offsets = await Task.WhenAll(Enumerable.Range(1, 12).Select(async i => (await Of(i).Stored).Place.Offset.Value));
        Assert.Equal([0, 1, 2, 3, 4, 203, 204, 50, 51, 207, 208, 209], offsets);
    }

    [Fact]
    public async Task A_failure_is_told_to_who_waits_and_to_who_asks_later()
    {
        Task<StoredEvent> before = Of(2).Stored;
        _receipts.Fail(Partition, 1, 3, new InvalidRequestException("too long"));
        await Assert.ThrowsAsync<InvalidRequestException>(() => before);
        Assert.Equal("too long", (await Assert.ThrowsAsync<InvalidRequestException>(() => Of(3).Stored)).Message);
        Assert.Equal(PublishOutcome.Failed, Of(1).Outcome);
        Assert.Equal(PublishOutcome.Failed, new PublishReceipt(default, Partition, before).Outcome);
    }

    [Fact]
    public async Task A_staged_event_is_followed_from_its_number_to_its_sequence_or_its_end()
    {
        Task<StoredEvent> numbered = Of(0, 5).Stored;
        Task<StoredEvent> dropped = Of(0, 6).Stored;
        _receipts.Change([new StageChange(Partition, 6, 0, PublishOutcome.Superseded),
            new StageChange(Partition, 5, 40, PublishOutcome.Waiting)]);
        Assert.Equal(PublishOutcome.Superseded, (await dropped).Outcome);
        Assert.Equal(PublishOutcome.Superseded, Of(0, 6).Outcome);
        Assert.Equal(PublishOutcome.Waiting, Of(0, 5).Outcome);
        Assert.Same(numbered, Of(0, 5).Stored);
        Complete(40, 40, 9);
        Assert.Equal(9, (await numbered).Place.Offset.Value);
        Assert.Equal(40, (await Of(0, 5).Stored).Identity.Sequence);
    }

    [Fact]
    public async Task What_was_settled_long_ago_is_forgotten_and_said_to_be()
    {
        for (int i = 1; i <= Receipts.MaxRuns + 10; i++)
        {
            Complete(i, i, 2 * i);                       // others write between them: no run goes on
        }

        Assert.Equal(PublishOutcome.Forgotten, Of(10).Outcome);
        InvalidOperationException told = await Assert.ThrowsAsync<InvalidOperationException>(() => Of(10).Stored);
        Assert.Contains("long ago", told.Message, StringComparison.Ordinal);
        Assert.Equal(22, (await Of(11).Stored).Place.Offset.Value);
    }

    [Fact]
    public void Runs_know_of_every_number_what_a_table_of_all_numbers_knows()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            SettledRuns runs = new();
            Dictionary<long, (PublishOutcome Outcome, long Start)> all = [];
            for (int step = 0; step < 200; step++)
            {
                long first = random.Next(1, 300);
                long last = first + random.Next(0, random.Next(1, 60));
                PublishOutcome outcome = Outcomes[random.Next(Outcomes.Length)];
                long start = outcome == PublishOutcome.Stored ? first + (100 * random.Next(2)) : 0;
                runs.Add(new SettledRun(first, last, outcome, start, null), int.MaxValue);
                for (long i = first; i <= last; i++)
                {
                    all.TryAdd(i, (outcome, start == 0 ? 0 : start + (i - first)));
                }
            }

            for (long i = 1; i < 400; i++)
            {
                SettledRun found = runs.Find(i);
                (PublishOutcome Outcome, long Start) expected = all.GetValueOrDefault(i);
                Assert.Equal(expected, (found.Outcome, found.Outcome == PublishOutcome.Waiting ? 0 : found.At(i)));
            }

            Assert.True(runs.Count <= 400);
        }
    }

    [Fact]
    public async Task The_end_of_the_client_is_told_to_who_waits()
    {
        Task<StoredEvent> waits = Of(1).Stored;
        Complete(2, 2, 5);
        _receipts.Close();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Of(3).Stored);
        Assert.Equal(5, (await Of(2).Stored).Place.Offset.Value);
    }

    /// <summary>Half a million events published and unsent: 40 B of memory for each would be seen.</summary>
    [Fact]
    public async Task Events_that_wait_cost_no_memory()
    {
        using TemporaryDirectory directory = new();
        await using EventOutbox outbox = EventOutbox.Open(Path.Combine(directory.FullName, "outbox.db"), 1L << 30, TimeProvider.System,
            new Random(1), NullLogger.Instance);
        PublishReceipt last = await PublishAsync(outbox, 50_000);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        last = await PublishAsync(outbox, 500_000);
        Assert.Equal(PublishOutcome.Waiting, last.Outcome);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 20_000_000);
        Assert.Equal(550_000, outbox.Events);
    }

    private static async Task<PublishReceipt> PublishAsync(EventOutbox outbox, int count)
    {
        PlainEvent content = new(Encoding.UTF8.GetBytes("car-1"), default, default, new byte[20], 0);
        Queue<ValueTask<PublishReceipt>> underWay = new();
        PublishReceipt last = default;
        for (int i = 0; i < count || underWay.Count > 0; i++)
        {
            if (underWay.Count >= 8_192 || i >= count)
            {
                last = await underWay.Dequeue();
            }

            if (i < count)
            {
                underWay.Enqueue(outbox.PublishAsync(Partition.Stream, content, default));
            }
        }

        return last;
    }

    private PublishReceipt Of(long sequence, long staged = 0) =>
        new(new EventIdentity(default, 7, sequence), Partition, _receipts, staged);

    private void Complete(long first, long last, long offset) =>
        _receipts.Complete(new ConfirmedRun(Partition, 7, new PlacedRun(first, last, Origin, new Offset(offset))));
}
