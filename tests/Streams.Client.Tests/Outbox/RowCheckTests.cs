using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Rows of events that are not what was stored: they are given up and told of, and what is behind them goes on.</summary>
public sealed class RowCheckTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Damages => new(
        "payload=x'00'", "topic=x'61'", "key=x'61'", "headers=x'61'", "at=at+1", "epoch=epoch+1", "crc=crc+1", "id=id+(1<<20)");

    private string File => _directory.Combine("outbox.db");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_event_is_given_up_with_a_gap_and_those_behind_it_arrive_in_order(string damage)
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync();
        List<PublishReceipt> receipts = await story.PublishAsync(9);
        using (OutboxDatabase database = new(story.Options.OutboxPath, writable: true))
        {
            database.Execute($"UPDATE events SET {damage} WHERE (id & 15) = 4");
        }

        await using StreamsConsumer consumer = await story.ConsumeAsync();
        story.World["a"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);

        List<EventGap> gaps = [];
        List<string> read = await ClientStory.ReadAsync(consumer, 9, each: e => gaps.AddRange(e.Gap is { } gap ? [gap] : []));
        Assert.Equal(["1", "2", "3", "5", "6", "7", "8", "9", ""], read);
        EventGap told = Assert.Single(gaps);
        Assert.Equal((GapReason.Damaged, 1L), (told.Reason, told.Events));
        await Assert.ThrowsAsync<StorageFailedException>(() => receipts[3].Stored.WaitAsync(Eventually.DefaultLimit));
        Assert.All(receipts.Where(static (_, i) => i != 3), static r => Assert.Equal(PublishOutcome.Stored, r.Stored.Result.Outcome));
        Assert.Contains("cannot be read", story.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_is_staged_numbered_and_refused_keeps_a_checksum_that_fits()
    {
        await using PolicyStory story = new();
        await story.PublishAsync("a", OutboxPolicy.DropOldest);
        await story.PublishAsync("a", OutboxPolicy.Block);
        Assert.Equal(2, await CheckedAsync(story.Outbox, "staged"));
        await story.SendAsync();
        Assert.Equal(2, await CheckedAsync(story.Outbox, "events"));
        StreamPartition partition = (await story.PublishAsync("a", OutboxPolicy.Block)).Partition;
        await story.Outbox.WriteAsync(new ParkOperation(partition, 1, 2, "no"));
        Assert.Equal(2, await CheckedAsync(story.Outbox, "refused"));
        Assert.Equal(1, await CheckedAsync(story.Outbox, "events"));
    }

    [Fact]
    public async Task A_file_of_format_1_is_upgraded_and_its_rows_are_sent_unchecked()
    {
        await using (EventOutbox outbox = Open())
        {
            await PublishAsync(outbox, 3);
        }

        using (OutboxDatabase database = new(File, writable: true))
        {
            database.Execute("ALTER TABLE events DROP COLUMN crc; ALTER TABLE refused DROP COLUMN crc; ALTER TABLE staged DROP COLUMN crc;"
                + "PRAGMA user_version=1");
        }

        await using EventOutbox upgraded = Open();
        await PublishAsync(upgraded, 2);

        Assert.Equal(OutboxDatabase.Format, await upgraded.RunAsync(static t => t.Database.Scalar("PRAGMA user_version")));
        Assert.Equal((5, 2), await upgraded.RunAsync(static t => (t.Database.Scalar("SELECT count(*) FROM events"),
            t.Database.Scalar("SELECT count(crc) FROM events"))));
        RestoredPartition restored = Assert.Single(upgraded.Restored);
        using EventWindow window = new(File);
        EventBatchBuilder builder = new();
        Assert.Equal(3, window.Read(upgraded.RowId(restored.Partition), new EventIdentity(upgraded.Producer, restored.Waiting[0].Epoch, 1),
            3, 1 << 20, builder, out _));
    }

    [Fact]
    public async Task A_refused_event_that_is_damaged_is_not_published_again()
    {
        await using EventOutbox outbox = Open();
        StreamPartition partition = await PublishAsync(outbox, 1);
        await outbox.WriteAsync(new ParkOperation(partition, 1, 1, "no"));
        await outbox.RunAsync(static t =>
        {
            t.Database.Execute("UPDATE refused SET payload=x'00'");
            return 0;
        });

        InvalidRequestException e = await Assert.ThrowsAsync<InvalidRequestException>(() =>
            new RefusedEvents([outbox]).RetryAsync(OutboxDatabase.EventId(1, 1)));
        Assert.Contains("checksum", e.Message, StringComparison.Ordinal);
    }

    private static Task<int> CheckedAsync(EventOutbox outbox, string table) => outbox.RunAsync(t =>
    {
        int good = 0;
        using Statement select = t.Database.Prepare(
            $"SELECT id, {(table == "staged" ? "0" : "epoch")}, at, topic, key, headers, payload, crc FROM {table}");
        while (select.Step())
        {
            Assert.Equal(RowCheck.Of(select.Long(0), unchecked((ulong)select.Long(1)), select.Long(2), select.Blob(3), select.Blob(4),
                select.Blob(5), select.Blob(6)), select.Long(7));
            good++;
        }

        return good;
    });

    private EventOutbox Open() => EventOutbox.Open(File, 1 << 20, TimeProvider.System, new Random(), NullLogger.Instance);

    private static async Task<StreamPartition> PublishAsync(EventOutbox outbox, int count)
    {
        StreamPartition partition = default;
        for (int i = 0; i < count; i++)
        {
            PlainEvent content = new("t"u8.ToArray(), default, default, new byte[] { 1 }, 5);
            partition = (await outbox.PublishAsync(PolicyStory.Fleet, content, default)).Partition;
        }

        return partition;
    }
}
