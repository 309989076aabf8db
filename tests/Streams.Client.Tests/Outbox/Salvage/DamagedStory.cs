using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>The files of an outbox as a kill left them, damaged in one way after the other, and what an opening makes of each.</summary>
internal sealed class DamagedStory : IDisposable
{
    public const int PageBytes = 4096;
    private static readonly OutboxEncryption Encryption = new("k1", static _ => new byte[32]);
    private static readonly string[] Suffixes = ["", "-wal", "-shm"];
    private readonly TemporaryDirectory _directory = new();
    private int _number;

    /// <summary>Database, journal, and the journal's index.</summary>
    public byte[][] Files { get; private set; } = [];

    /// <summary>What waited: of each row its content, by the table and the row.</summary>
    public Dictionary<(string Table, long Row), string> Content { get; } = [];

    public Dictionary<(string Table, long Row), string> Ever { get; } = [];

    public long Waiting { get; private set; }

    public ProducerId Producer { get; private set; }

    public Dictionary<long, long> Next { get; } = [];

    public CollectingLoggerProvider Logs { get; private set; } = new();

    public string Path { get; private set; } = string.Empty;

    public string Directory => _directory.FullName;

    /// <summary>An outbox with some of everything: two streams, two openings, the second one encrypted, confirmed, refused, staged and
    /// dropped events, great ones, a consumer.</summary>
    /// <param name="inJournal">Whether the second opening's work is in the journal still, in many small transactions; else all of it is
    /// in the database.</param>
    public async Task MakeAsync(bool inJournal)
    {
        string file = _directory.Combine("made.db");
        VirtualTime time = new();
        await using (EventOutbox outbox = EventOutbox.Open(file, 64 << 20, time, new Random(1), NullLogger.Instance))
        {
            for (int i = 1; i <= 60; i++)
            {
                await PublishAsync(outbox, "/fleet", $"car-{i % 3}", 100 + (i % 7 * 100));
            }

            await ConfirmAsync(outbox, "/fleet", "car-1", 12);
            await ConfirmAsync(outbox, "/fleet", "car-2", 12);
            for (int i = 1; i <= 30; i++)
            {
                await PublishAsync(outbox, "/old", "t", 500);
            }

            await PublishAsync(outbox, "/plant", "press", 9000);
        }

        await using (EventOutbox outbox = EventOutbox.Open(file, 64 << 20, time, new Random(2), NullLogger.Instance,
            encryption: Encryption))
        {
            await PublishAsync(outbox, "/fleet", "car-0", 100);
            await outbox.RunAsync(static _ => 0);
            for (int i = 1; i <= 7; i++)
            {
                await PublishAsync(outbox, "/fleet", $"car-{i % 3}", i == 4 ? 9000 : 300);
            }

            await PublishAsync(outbox, "/plant", "press", 50);
            PublishReceipt bad = await PublishAsync(outbox, "/plant", "press", 60);
            await outbox.WriteAsync(new ParkOperation(bad.Partition, bad.Identity.Sequence, bad.Identity.Sequence, "no"));
            for (int i = 1; i <= 6; i++)
            {
                await PublishAsync(outbox, "/stage", i % 2 == 0 ? "latest" : "trace", 200 + i,
                    i % 2 == 0 ? OutboxPolicy.KeepLatestPerKey : OutboxPolicy.DropOldest, i % 3 == 0 ? 60_000 : 0);
                await NoteAsync(outbox);
            }

            await NoteAsync(outbox);
            await ConsumeAsync(outbox);
            await ConfirmAsync(outbox, "/old", "t", 25);       // leaves free pages with old rows
            Remember(file, outbox);
            Files = [.. Suffixes.Select(suffix => ReadShared(file + suffix))];
        }

        if (!inJournal)
        {
            // As a kill leaves it behind a writing back: the journal's frames are all in the database.
            string copy = Write(Files);
            using (OutboxDatabase database = new(copy, writable: true))
            {
                database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
            }

            Files = [await File.ReadAllBytesAsync(copy), [], []];
        }
    }

    /// <summary>Writes files under a name of their own, and forgets what was logged.</summary>
    public string Write(params byte[][] files)
    {
        Path = _directory.Combine($"{++_number}", "outbox.db");
        System.IO.Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        for (int i = 0; i < files.Length; i++)
        {
            if (files[i].Length > 0 || i == 0)
            {
                File.WriteAllBytes(Path + Suffixes[i], files[i]);
            }
        }

        Logs = new CollectingLoggerProvider();
        return Path;
    }

    /// <summary>A copy of the files in which one is changed.</summary>
    public byte[][] With(int file, Action<byte[]> change)
    {
        byte[][] files = [.. Files];
        files[file] = [.. files[file]];
        change(files[file]);
        return files;
    }

    public EventOutbox Open(string path, TimeProvider? time = null) =>
        EventOutbox.Open(path, 64 << 20, time ?? new VirtualTime(), new Random(9), Logs.CreateLogger("outbox"),
            encryption: Encryption);

    /// <summary>Opens files and holds what is there against what was there: nothing is made up, nothing is changed, and what came and what
    /// is told as missing is all that waited.</summary>
    /// <param name="files">The files.</param>
    /// <param name="what">How they were damaged.</param>
    /// <param name="tellsTooMany">Whether more than is missing may be told.</param>
    public async Task<Outcome> CheckAsync(byte[][] files, string what, bool tellsTooMany = false)
    {
        string path = Write(files);
        await using EventOutbox outbox = Open(path);
        long came = 0;
        long told = 0;
        HashSet<(string, long)> refused = [];
        foreach ((string table, long row, string content, bool isSound) in await outbox.RunAsync(static t => Rows(t.Database)))
        {
            if (table == "gaps" && content.StartsWith("3 ", StringComparison.Ordinal))
            {
                told += long.Parse(content.Split(' ')[1], CultureInfo.InvariantCulture);
            }
            else if (!isSound)
            {
                told++;                                        // not found by the opening: it is told when its turn comes
            }
            else
            {
                // Under one identity there is one content.
                // Where the journal is damaged one that had left may come back: as the event that it was.
                bool isKnown = Content.TryGetValue((table, row), out string? was);
                bool mayReturn = what.StartsWith("frame", StringComparison.Ordinal) && (table != "staged" || tellsTooMany);
                Assert.True(isKnown ? was == content || table == "gaps" : mayReturn && Ever.TryGetValue((table, row), out was)
                        && (was == content || table == "gaps"),
                    $"{what}: {table} {row} is {content}, was {was}");
                came += table == "refused" || !isKnown ? 0 : 1;
            }

            if (table == "refused")
            {
                refused.Add((table, row));
            }
        }

        Assert.True(came + told == Waiting || (tellsTooMany && came + told > Waiting),
            $"{what}: {came} came, {told} are told, {Waiting} waited; {Logs.Logs.Text}");
        Assert.True(refused.Count == Content.Keys.Count(static k => k.Table == "refused")
            || Regex.IsMatch(Logs.Logs.Text, "their end, [a-z ]*: '[^']*refused"), what);
        Assert.True(Producer == outbox.Producer, what);
        (long wrong, string verdict) = await outbox.RunAsync(static t => (t.Database.Scalar(
            "SELECT count(*) FROM partitions WHERE events <> (SELECT count(*) FROM events WHERE events.id >> 44 = partitions.id)"),
            t.Database.ScalarText("PRAGMA integrity_check")));
        Assert.True((wrong, verdict) == (0, "ok"), $"{what}: {wrong} {verdict}");
        foreach ((long partition, long next) in Next)
        {
            long now = await outbox.RunAsync(t => t.Database.Scalar($"SELECT next FROM partitions WHERE id={partition}"));
            Assert.True(now >= next, $"{what}: partition {partition} goes on at {now}, not {next}");
        }

        return new Outcome(came, told, outbox.Saved is not null);
    }

    /// <summary>All rows of events and gaps.</summary>
    public static List<(string Table, long Row, string Content, bool IsSound)> Rows(OutboxDatabase database)
    {
        List<(string, long, string, bool)> rows = [];
        foreach (string table in new[] { "events", "refused", "staged" })
        {
            using Statement select = database.Prepare($"SELECT id, {(table == "staged" ? "0" : "epoch")}, at, topic, key, headers, payload,"
                + $" crc, seal FROM {table}");
            while (select.Step())
            {
                long check = RowCheck.Of(select.Long(0), unchecked((ulong)select.Long(1)), select.Long(2), select.Blob(3), select.Blob(4),
                    select.Blob(5), select.Blob(6)) ^ RowCheck.Seal(select.IsNull(8) ? null : select.Long(8));
                rows.Add((table, select.Long(0), $"{select.Long(1)} {check} {select.Blob(6).Length}", check == select.Long(7)));
            }
        }

        using Statement gaps = database.Prepare("SELECT id, reason, events, topic FROM gaps");
        while (gaps.Step())
        {
            rows.Add(("gaps", gaps.Long(0), $"{gaps.Long(1)} {gaps.Long(2)} {Encoding.UTF8.GetString(gaps.Blob(3))}", true));
        }

        return rows;
    }

    public void Dispose() => _directory.Dispose();

    private static byte[] ReadShared(string file)
    {
        if (!File.Exists(file))
        {
            return [];
        }

        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static ValueTask<PublishReceipt> PublishAsync(EventOutbox outbox, string stream, string topic, int bytes,
        OutboxPolicy policy = OutboxPolicy.Block, long timeToLive = 0)
    {
        byte[] payload = new byte[bytes];
        new Random(bytes).NextBytes(payload);
        PlainEvent content = new(Encoding.UTF8.GetBytes(topic), "k"u8.ToArray(),
            EventHeader.Encode([new EventHeader("unit", "km/h"u8.ToArray())]), payload, 1_700_000_000_000_000);
        return outbox.PublishAsync(StreamPath.Parse(stream), content, new PublishTerms(policy, timeToLive), default);
    }

    private static async Task ConfirmAsync(EventOutbox outbox, string stream, string topic, long last)
    {
        StreamPartition partition = new(StreamPath.Parse(stream), Partitioner.For("k"u8, Encoding.UTF8.GetBytes(topic),
            StreamSettings.DefaultPartitions));
        Origin lane = ReaderStory.Lane("A.1");
        await outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(partition, outbox.Epoch,
            new PlacedRun(1, last, lane, new Offset(0)))], [partition], _ => [new EventPlace(lane, new Offset(last))]));
        await outbox.LearnAsync(StreamPath.Parse(stream), 8);
        await outbox.RunAsync(static _ => 0);
    }

    private async Task NoteAsync(EventOutbox outbox)
    {
        foreach ((string table, long row, string content, _) in await outbox.RunAsync(static t => Rows(t.Database)))
        {
            Ever[(table, row)] = content;
        }
    }

    private static async Task ConsumeAsync(EventOutbox outbox)
    {
        GivenRuns runs = new();
        runs.Add(new GivenRun(1, 4, ReaderStory.Lane("A.1"), 0, 3));
        KeptRuns given = new(new ProducerEpoch(ReaderStory.Producer('p'), 7), runs.Write(), 5);
        await outbox.RunAsync(t =>
        {
            long id = ConsumerStore.Load(t, ConsumerName.Parse("c"), StreamPath.Parse("/fleet")).Id;
            ConsumerStore.Save(t, id, [new KeptPartition(new PartitionId(3), ReaderStory.CursorAt(("A.1", 4), ("B.2", 9)), [], [given])]);
            return 0;
        });
    }

    private void Remember(string file, EventOutbox outbox)
    {
        Producer = outbox.Producer;
        using OutboxDatabase database = new(file, writable: false);
        foreach ((string table, long row, string content, bool isSound) in Rows(database))
        {
            Assert.True(isSound);
            Content.Add((table, row), content);
            Waiting += table == "refused" ? 0 : 1;
        }

        using Statement next = database.Prepare("SELECT id, next FROM partitions");
        while (next.Step())
        {
            Next.Add(next.Long(0), next.Long(1));
        }
    }

    /// <summary>What came of an opening.</summary>
    internal readonly record struct Outcome(long Came, long Told, bool WasSaved);
}
