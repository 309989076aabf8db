using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>What saving a damaged outbox keeps, what it leaves alone, and what a kill or a disk that refuses does to it.</summary>
public sealed class SalvageTests : IDisposable
{
    private readonly DamagedStory _story = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _story.Dispose();
        _directory.Dispose();
    }

    // Whoever adds a table or a column has to think of it here too.
    [Fact]
    public async Task Each_table_of_the_file_is_saved_with_all_that_is_in_it()
    {
        await _story.MakeAsync(inJournal: false);
        string path = _story.Write(_story.Files[0]);
        Dictionary<string, List<string>> before = Tables(path);
        Assert.All(before, static t => Assert.True(t.Value.Count > 0, $"the story has nothing in {t.Key}"));

        OutboxSalvage.Run(path, "to see", TimeProvider.System, new Random(1), NullLogger.Instance);

        Dictionary<string, List<string>> after = Tables(path);
        Assert.Equal(before.Keys.Order(), after.Keys.Order());
        foreach ((string table, List<string> rows) in before.Where(static t => t.Key != "epochs"))    // made anew for what waits
        {
            Assert.Equal((table, string.Join('\n', rows)), (table, string.Join('\n', after[table])));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_at_any_step_the_next_opening_does_it_again_and_nothing_is_lost(bool inJournal)
    {
        await _story.MakeAsync(inJournal);
        byte[][] files = inJournal ? _story.With(1, static bytes => bytes[25] ^= 1)
            : _story.With(0, static bytes => bytes.AsSpan(100, 3000).Clear());
        int steps = 0;
        for (bool killed = true; killed; steps++)
        {
            string path = _story.Write(files);
            int step = 0;
            try
            {
                OutboxSalvage.Run(path, "to see", TimeProvider.System, new Random(1), NullLogger.Instance,
                    _ =>
                    {
                        if (step++ == steps)
                        {
                            throw new InvalidOperationException("killed");
                        }
                    });
                killed = false;
            }
            catch (InvalidOperationException)
            {
            }

            await using (EventOutbox outbox = _story.Open(path))
            {
                List<(string Table, long Row, string Content, bool IsSound)> rows =
                    await outbox.RunAsync(static t => DamagedStory.Rows(t.Database));
                Assert.Equal(_story.Content.OrderBy(static r => r.Key).Select(static r => (r.Key.Table, r.Key.Row, r.Value)),
                    rows.OrderBy(static r => (r.Table, r.Row)).Select(static r => (r.Table, r.Row, r.Content)));
                Assert.Equal(_story.Producer, outbox.Producer);
            }

            // The damaged files are kept as they were, once; and nothing else is left.
            string kept = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!, "outbox.db.damaged-*"),
                static f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal));
            Assert.Equal(files[0], await File.ReadAllBytesAsync(kept));
            Assert.Equal(files[1], File.Exists(kept + "-wal") ? await File.ReadAllBytesAsync(kept + "-wal") : []);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!, "*salvage*"));
        }

        Assert.InRange(steps, 7, 12);
    }

    [Fact]
    public async Task A_file_that_is_kept_is_never_overwritten_by_a_later_one()
    {
        await _story.MakeAsync(inJournal: false);
        VirtualTime time = new();
        string path = _story.Write(_story.Files[0]);
        for (int i = 1; i <= 3; i++)
        {
            OutboxSalvage.Run(path, "to see", time, new Random(1), NullLogger.Instance);
            Assert.Equal(i, Directory.GetFiles(Path.GetDirectoryName(path)!, "outbox.db.damaged-*").Length);
        }
    }

    [Fact]
    public async Task Where_the_new_file_cannot_be_written_nothing_is_changed_and_the_next_opening_saves_it()
    {
        await _story.MakeAsync(inJournal: true);
        byte[][] files = _story.With(1, static bytes => bytes[25] ^= 1);
        string path = _story.Write(files);
        Directory.CreateDirectory(path + ".salvage");

        StorageFailedException e = Assert.Throws<StorageFailedException>(() => _story.Open(path));

        Assert.Contains("is damaged", e.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed; the next opening tries again", e.Message, StringComparison.Ordinal);
        Assert.Equal(files[0], await File.ReadAllBytesAsync(path));
        Assert.Equal(files[1], await File.ReadAllBytesAsync(path + "-wal"));
        Directory.Delete(path + ".salvage");
        await using EventOutbox outbox = _story.Open(path);
        Assert.Equal(_story.Content.Count, await outbox.RunAsync(static t => DamagedStory.Rows(t.Database).Count));
    }

    [TmpfsFact]
    public async Task On_a_disk_that_is_full_or_may_only_be_read_nothing_is_changed_and_later_it_is_saved()
    {
        await _story.MakeAsync(inJournal: false);
        string disk = _directory.CreateDirectory("disk");
        await ForeignTool.RunAsync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
        try
        {
            string path = Path.Combine(disk, "outbox.db");
            byte[] damaged = _story.With(0, static bytes => bytes.AsSpan(100, 3000).Clear())[0];
            await File.WriteAllBytesAsync(path, damaged);
            await File.WriteAllBytesAsync(path + ".lock", []);
            string ballast = Path.Combine(disk, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[(1 << 20) - damaged.Length - 40_960]);

            StorageFailedException full = Assert.Throws<StorageFailedException>(() => _story.Open(path));
            Assert.True(full.IsFull, full.Message);
            Assert.Contains("bytes are needed on its disk", full.Message, StringComparison.Ordinal);
            Assert.Equal(["ballast", "outbox.db", "outbox.db.lock"], Directory.GetFiles(disk).Select(Path.GetFileName).Order());

            File.Delete(ballast);
            await ForeignTool.RunAsync("mount", ["-o", "remount,ro", disk]);
            Assert.Throws<StorageFailedException>(() => _story.Open(path));
            Assert.Equal(damaged, await File.ReadAllBytesAsync(path));

            await ForeignTool.RunAsync("mount", ["-o", "remount,rw", disk]);
            await using EventOutbox outbox = _story.Open(path);
            Assert.Equal(_story.Content.Count, await outbox.RunAsync(static t => DamagedStory.Rows(t.Database).Count));
        }
        finally
        {
            await ForeignTool.RunAsync("umount", ["-l", disk]);
        }
    }

    // Counts and names that were changed on a page that is sound otherwise; the file was closed cleanly.
    [Theory]
    [InlineData("UPDATE meta SET value=x'00112233445566778899aabbccddeeff' WHERE key='producer'")]
    [InlineData("DELETE FROM meta WHERE key='producer'")]
    [InlineData("UPDATE partitions SET stream='/other' WHERE id=1")]
    [InlineData("UPDATE partitions SET events=events+7 WHERE id=1")]
    [InlineData("UPDATE partitions SET next=1 WHERE id=1")]
    [InlineData("DELETE FROM partitions WHERE id=2")]
    [InlineData("UPDATE stages SET rows=rows+1")]
    [InlineData("UPDATE copies SET body=x'00'")]
    [InlineData("DROP TABLE cursors")]
    [InlineData("PRAGMA user_version=77")]
    public async Task What_the_tables_say_is_put_right_and_no_event_is_lost_or_told_as_missing(string damage)
    {
        await _story.MakeAsync(inJournal: false);
        string path = _story.Write(_story.Files[0]);
        using (OutboxDatabase database = new(path, writable: true))
        {
            database.Execute($"UPDATE meta SET value=1 WHERE key='clean'; {damage}");
            database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }

        DamagedStory.Outcome outcome = await _story.CheckAsync([await File.ReadAllBytesAsync(path), [], []], damage);
        Assert.Equal((_story.Waiting, 0L), (outcome.Came, outcome.Told));
        Assert.NotEqual(damage.Contains("copies", StringComparison.Ordinal), outcome.WasSaved);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_consumer_is_given_each_event_once_and_in_order_and_a_gap_for_those_that_are_lost(bool closedCleanly)
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await using StreamsConsumer first = await story.ConsumeAsync();
        await story.PublishAsync(30, bytes: 400);
        await ClientStory.ReadAsync(first, 30);
        await first.DisposeAsync();
        story.World["a"].GoDown();
        await story.PublishAsync(300, bytes: 400);
        await story.Client.DisposeAsync();
        string path = story.Options.OutboxPath;
        if (!closedCleanly)
        {
            using OutboxDatabase database = new(path, writable: true);
            database.Execute("UPDATE meta SET value=0 WHERE key='clean'");
        }

        byte[] bytes = await File.ReadAllBytesAsync(path);
        int page = Enumerable.Range(bytes.Length / 4096 * 3 / 5, 40)
            .First(p => bytes[p * 4096] == 13 && bytes[(p * 4096) + 4] is > 4 and < 12);
        bytes.AsSpan(page * 4096, 4096).Fill(0xEE);
        await File.WriteAllBytesAsync(path, bytes);

        await story.OpenAsync(seed: 2);
        if (closedCleanly)
        {
            // It is met when it is read: the rest goes, and the next opening saves what can be read.
            story.World["a"].IsUp = true;
            await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
            await story.Client.DisposeAsync();
            await story.OpenAsync(seed: 3);
        }

        story.World["a"].IsUp = true;
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        List<string> read = [];
        long told = 0;
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            if (received.Gap is { } gap)
            {
                Assert.Equal(GapReason.Damaged, gap.Reason);
                told += gap.Events;
            }
            else
            {
                read.Add(Encoding.UTF8.GetString(received.Payload.Span).TrimEnd());
            }

            received.Acknowledge();
            if (read.Count + told == 300)
            {
                break;
            }
        }

        Assert.InRange(told, 1, 12);
        Assert.Equal(ClientStory.Numbers(31, 330).Except(ClientStory.Numbers(31, 330).Except(read)), read);
        Assert.Contains("were saved from the damaged file", story.Logs.Text, StringComparison.Ordinal);
    }

    private static Dictionary<string, List<string>> Tables(string path)
    {
        using OutboxDatabase database = new(path, writable: false);
        Dictionary<string, List<string>> tables = [];
        using (Statement names = database.Prepare("SELECT name FROM sqlite_master WHERE type='table'"))
        {
            while (names.Step())
            {
                tables.Add(names.Text(0), []);
            }
        }

        foreach ((string table, List<string> rows) in tables)
        {
            List<string> columns = [];
            using (Statement info = database.Prepare($"SELECT name FROM pragma_table_info('{table}')"))
            {
                while (info.Step())
                {
                    columns.Add($"quote(\"{info.Text(0)}\")");
                }
            }

            using Statement select = database.Prepare($"SELECT {string.Join("||' '||", columns)} FROM {table}"
                + (table == "meta" ? " WHERE key<>'clean'" : table == "copies" ? " WHERE id>=0" : string.Empty) + " ORDER BY 1");
            while (select.Step())
            {
                rows.Add(select.Text(0));
            }
        }

        return tables;
    }
}
