using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Flushed and buffered publishes.</summary>
public sealed class DurabilityTests : IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly PublishTerms Flushed = new(OutboxPolicy.Block, 0);
    private static readonly PublishTerms Buffered = new(OutboxPolicy.Block, 0, PublishDurability.Buffered);
    private readonly TemporaryDirectory _directory = new();
    private readonly VirtualTime _time = new();

    private string File => Path.Combine(_directory.FullName, "outbox.db");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Buffered_events_share_a_flush_and_flushed_ones_do_not_wait_for_it()
    {
        await using EventOutbox outbox = Open(File);
        long before = outbox.Flushes;
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(PublishDurability.Buffered, (await Publish(outbox, i, Buffered)).Durability);
        }

        Assert.Equal(before, outbox.Flushes);
        Assert.Equal(PublishDurability.Flushed, (await Publish(outbox, 50, Flushed)).Durability);
        Assert.Equal(before + 1, outbox.Flushes);
        Assert.Equal(51, outbox.Events);
    }

    [Fact]
    public async Task Buffered_events_are_flushed_in_time_with_and_without_others_behind_them()
    {
        await using EventOutbox outbox = Open(File);
        long before = outbox.Flushes;
        await Publish(outbox, 1, Buffered);
        Assert.Equal(before, outbox.Flushes);
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                return outbox.Flushes > before;
            },
            "the flush comes by itself");
        before = outbox.Flushes;
        await Publish(outbox, 2, Buffered);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Publish(outbox, 3, Buffered);
        await Eventually.EqualAsync(before + 1, () => outbox.Flushes, "what comes later does not put it off");
    }

    [Fact]
    public async Task Closing_flushes()
    {
        EventOutbox outbox = Open(File);
        long before = outbox.Flushes;
        await Publish(outbox, 1, Buffered);
        await outbox.DisposeAsync();
        Assert.Equal(before + 1, outbox.Flushes);
        await using EventOutbox reopened = Open(File);
        Assert.Equal(1, reopened.Events);
    }

    [Fact]
    public async Task The_end_of_the_process_loses_no_buffered_event()
    {
        await using EventOutbox outbox = Open(File);
        for (int i = 0; i < 20; i++)
        {
            await Publish(outbox, i, Buffered);
        }

        Copy(".killed");
        await using EventOutbox reopened = Open(File + ".killed");
        Assert.Equal(20, reopened.Events);
    }

    // What is confirmed and not flushed waits again; the cluster then tells that it has it.
    [Fact]
    public async Task Confirmations_wait_for_the_flush_of_somebody_else()
    {
        await using EventOutbox outbox = Open(File);
        PublishReceipt receipt = await Publish(outbox, 1, Flushed);
        long before = outbox.Flushes;
        await outbox.WriteAsync(new ConfirmOperation([Confirmed(outbox, receipt, 1)], [], static _ => []));
        await Eventually.EqualAsync(0, () => outbox.Events, "it is confirmed");
        Assert.Equal(before, outbox.Flushes);
        await Publish(outbox, 2, Flushed);
        Assert.Equal(before + 1, outbox.Flushes);
    }

    // Undone by a cut of the power, the event would get another identity, and stand at the cluster twice.
    [Fact]
    public async Task R7_a_staged_event_has_its_sequence_on_disk_before_it_can_be_sent()
    {
        await using EventOutbox outbox = Open(File);
        PublishTerms dropped = new(OutboxPolicy.DropOldest, 0, PublishDurability.Buffered);
        List<long> flushesWhenNumbered = [];
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(0, (await Publish(outbox, i, dropped)).Identity.Sequence);
        }

        long before = outbox.Flushes;
        outbox.Appended = _ => flushesWhenNumbered.Add(outbox.Flushes);
        outbox.IsSending = true;
        await Eventually.TrueAsync(() => !outbox.HasStaged, "all are numbered");
        await outbox.RunAsync(static _ => 0);
        Assert.NotEmpty(flushesWhenNumbered);
        Assert.All(flushesWhenNumbered, flushes => Assert.True(flushes > before));
    }

    // The power goes: the files are as they were at the last flush. What was sent and is gone here was held there, under an epoch that
    // nobody uses again.
    [Fact]
    public async Task R7_after_a_cut_of_the_power_the_consumer_is_given_everything_that_was_sent_once_and_in_order()
    {
        await using ClientStory story = new("a");
        StreamsClientOptions options = story.Options with
        {
            FlushWithin = TimeSpan.FromHours(1),
            OutboxRules = [new OutboxRule("buffered/#", OutboxPolicy.Block) { Durability = PublishDurability.Buffered }],
        };
        await story.OpenAsync(options);
        TopicName topic = TopicName.Parse("buffered/t");
        List<PublishReceipt> receipts = [];
        async Task PublishAsync(int from, int to, PublishDurability? durability)
        {
            for (int i = from; i <= to; i++)
            {
                PublishReceipt receipt = await story.Client.PublishAsync(ClientStory.Fleet, topic, Encoding.UTF8.GetBytes($"{i}"),
                    durability: durability);
                await receipt.Stored.WaitAsync(Eventually.DefaultLimit);
                receipts.Add(receipt);
            }
        }

        await PublishAsync(1, 10, PublishDurability.Flushed);
        foreach (string suffix in new[] { string.Empty, "-wal" })
        {
            System.IO.File.Copy(options.OutboxPath + suffix, options.OutboxPath + ".cut" + suffix);
        }

        await PublishAsync(11, 20, null);
        Assert.All(receipts.Skip(10), static r => Assert.Equal(PublishDurability.Buffered, r.Durability));
        await story.Client.DisposeAsync();
        await story.OpenAsync(options with { OutboxPath = options.OutboxPath + ".cut" }, seed: 2);
        await PublishAsync(21, 30, null);
        StreamsConsumer consumer = await story.ConsumeAsync();
        Assert.Equal(ClientStory.Numbers(1, 30), await ClientStory.ReadAsync(consumer, 30));
        Assert.Equal(receipts[10].Identity.Sequence, receipts[20].Identity.Sequence);
        Assert.NotEqual(receipts[10].Identity.Epoch, receipts[20].Identity.Epoch);
    }

    [Fact]
    public async Task What_goes_to_the_disk_is_counted()
    {
        await using EventOutbox outbox = Open(File);
        for (int i = 0; i < 100; i++)
        {
            await Publish(outbox, i, Buffered, bytes: 1000);
        }

        Assert.InRange(outbox.StoredBytes, 100_000, 110_000);
        Assert.InRange(outbox.DiskBytes, outbox.StoredBytes, 100 * outbox.StoredBytes);
        Assert.InRange(new FileInfo(File + "-wal").Length, 1, outbox.DiskBytes + 32 + (64 * 4120));
    }

    private EventOutbox Open(string file) =>
        EventOutbox.Open(file, 4 << 20, _time, new Random(), NullLogger.Instance, TimeSpan.FromSeconds(1));

    private static ValueTask<PublishReceipt> Publish(EventOutbox outbox, int number, PublishTerms terms, int bytes = 4)
    {
        byte[] payload = new byte[bytes];
        BitConverter.TryWriteBytes(payload, number);
        return outbox.PublishAsync(Fleet, new PlainEvent("car-1"u8.ToArray(), default, default, payload, 0), terms, default);
    }

    private static ConfirmedRun Confirmed(EventOutbox outbox, PublishReceipt receipt, long sequence) => new(receipt.Partition, outbox.Epoch,
        new PlacedRun(sequence, sequence, ReaderStory.Lane("A.1"), new Offset(sequence)));

    private void Copy(string to)
    {
        foreach (string suffix in new[] { string.Empty, "-wal" })
        {
            System.IO.File.Copy(File + suffix, File + to + suffix);
        }
    }
}
