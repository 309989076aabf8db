using System.Globalization;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Mends in an outbox's file what can be mended without losing an event, in one transaction, after a copy of the file has been
/// kept. Where the file itself is damaged, what can be read is saved into a new one first, as a client would when it opens.</summary>
/// <remarks>Events are the truth: counts, next sequences and epochs are made anew from them. An event that cannot be sent is put aside into
/// the table of refused events, never deleted. What would need a guess is left as it is. What an event
/// counts is not in its checksum. Failure: nothing is changed.</remarks>
internal static class OutboxRepair
{
    /// <summary>Tables whose rows belong to rows of another: table, column, the other table.</summary>
    public static readonly (string Table, string Key, string Of)[] Owned =
    [
        ("epochs", "partition", "partitions"), ("stand", "partition", "partitions"), ("cursors", "consumer", "consumers"),
        ("given", "consumer", "consumers"),
    ];

    private const string Sequence = "(id & ((1 << 44) - 1))";
    private const string BehindLast = $"""
        (SELECT max(1, coalesce(max({Sequence}), 0) + 1) FROM
            (SELECT id FROM events WHERE id >> 44 = partitions.id UNION ALL SELECT id FROM refused WHERE id >> 44 = partitions.id))
        """;

    private const string Own = "FROM events WHERE id BETWEEN partitions.id << 44 AND ((partitions.id + 1) << 44) - 1";

    /// <summary>Repairs the file.</summary>
    /// <returns>The copy kept, and what was done, a line each.</returns>
    /// <exception cref="StorageFailedException">A client has the file open, it is no outbox, or the disk refuses.</exception>
    public static (string Copy, IReadOnlyList<string> Done) Run(string path, TimeProvider time, Random chance, ILogger logger)
    {
        if (!File.Exists(path) && !OutboxSalvage.IsUnderWay(path))
        {
            throw new StorageFailedException($"outbox {path}: there is no such file");
        }

        using OutboxLock held = OutboxLock.Take(path);
        OutboxSalvage.Finish(path);
        bool indexes = false;
        string? damage = DamageOf(path, ref indexes);
        SalvageReport? saved = damage is null ? null
            : OutboxSalvage.Run(path, damage, time, chance, logger, asks: true);
        string copy = saved?.Aside ?? Keep(path, time);
        try
        {
            List<string> done = Mend(path, indexes);
            if (saved is not null)
            {
                done.Insert(0, $"the file was damaged ({damage}): {saved.Events} events that wait, {saved.Staged} staged and"
                    + $" {saved.Refused} refused ones were saved into a new file; {saved.Missing} are missing, and the stream tells");
            }

            return (copy, done);
        }
        catch (DamagedOutboxException e)
        {
            throw new StorageFailedException($"outbox {path}: it is damaged beyond repair ({e.Message})", e);
        }
    }

    private static string? DamageOf(string path, ref bool indexes)
    {
        using (PageSource source = new(path))
        {
            if ((source.Journal.Fault ?? source.FaultInHead()) is { } fault)
            {
                return fault;
            }
        }

        try
        {
            using OutboxReading reading = OutboxReading.Open(path);
            using Statement check = reading.Prepare("PRAGMA integrity_check");
            while (check.Step() && check.Text(0) is var said && said != "ok")
            {
                indexes = true;
                if (!said.Split('\n').All(OutboxVerifier.IsOfIndex))
                {
                    return said.ReplaceLineEndings("; ");
                }
            }

            return null;
        }
        catch (DamagedOutboxException e)
        {
            return e.Message;
        }
    }

    private static List<string> Mend(string path, bool indexes)
    {
        List<string> done = [];
        using OutboxDatabase database = new(path, writable: true);
        database.CreateSchema();
        database.Execute("BEGIN IMMEDIATE");
        try
        {
            if (indexes)
            {
                database.Execute("REINDEX");
                done.Add("indexes were made anew");
            }

            Mend(database, done);
            database.Execute("COMMIT");
        }
        catch
        {
            database.RollBack();
            throw;
        }

        return done;
    }

    private static void Mend(OutboxDatabase database, List<string> done)
    {
        CopyChecks.MendNames(database, (what, rows) => Do(database, done, what, rows));
        Do(database, done, "events that cannot be sent were put aside as refused", PutAside(database));
        Do(database, done, "events' counted bytes were set right", Change(database,
            "UPDATE events SET bytes=length(topic)+length(key)+length(headers)+length(payload)+64"
            + " WHERE bytes<>length(topic)+length(key)+length(headers)+length(payload)+64"));
        Do(database, done, "next sequences were raised behind the last one given", Change(database, $"""
            UPDATE partitions SET next={BehindLast} WHERE next<{BehindLast}
            """));
        Do(database, done, "partitions' epochs were made anew from their events", Epochs(database));
        Do(database, done, "partitions' counts were made anew from their events", Change(database, $"""
            UPDATE partitions SET events=(SELECT count(*) {Own}), bytes=(SELECT coalesce(sum(bytes), 0) {Own})
            WHERE events<>(SELECT count(*) {Own}) OR bytes<>(SELECT coalesce(sum(bytes), 0) {Own})
            """));
        foreach ((string table, string key, string of) in Owned)
        {
            Do(database, done, $"rows of {table} whose {of} row is not there were removed",
                Change(database, $"DELETE FROM {table} WHERE {key} NOT IN (SELECT id FROM {of})"));
        }

        Do(database, done, "places that are none were removed from stand", Stand(database));
        Do(database, done, "streams with an impossible name or partition count were forgotten: clusters tell it again", Streams(database));
        CopyChecks.MendCounts(database, (what, rows) => Do(database, done, what, rows));
    }

    private static void Do(OutboxDatabase database, List<string> done, string what, long rows)
    {
        if (rows > 0)
        {
            done.Add($"{what}: {rows}");
            database.Execute("INSERT INTO meta(key, value) VALUES('clean', 0) ON CONFLICT(key) DO UPDATE SET value=0");
        }
    }

    private static long Change(OutboxDatabase database, string sql)
    {
        database.Execute(sql);
        return database.Scalar("SELECT changes()");
    }

    private static long PutAside(OutboxDatabase database)
    {
        List<(long Id, string Why)> bad = [];
        using (Statement select = database.Prepare("SELECT id, topic, length(key), headers, length(payload), seal FROM events ORDER BY id"))
        {
            while (select.Step())
            {
                bool isPlain = select.IsNull(5);               // of what is sealed only the topic can be read
                if (KeptEvent.FaultOf(select.Blob(1).ToArray(), select.Long(2), select.Blob(3).ToArray(), isPlain ? select.Long(4) : 0)
                    is { } fault)
                {
                    bad.Add((select.Long(0), fault));
                }
            }
        }

        using Statement park = database.Prepare("INSERT OR ABORT"
            + " INTO refused(id, epoch, at, bytes, topic, key, headers, payload, reason, seal)"
            + " SELECT id, epoch, at, bytes, topic, key, headers, payload, ?, seal FROM events WHERE id=?");
        using Statement delete = database.Prepare("DELETE FROM events WHERE id=?");
        foreach ((long id, string why) in bad)
        {
            park.Bind(1, $"put aside by repair: {why}").Bind(2, id).Run();
            delete.Bind(1, id).Run();
        }

        return bad.Count;
    }

    private static long Epochs(OutboxDatabase database)
    {
        List<long> wrong = [];
        using (Statement select = database.Prepare($"""
            SELECT DISTINCT id >> 44 FROM events WHERE id >> 44 IN (SELECT id FROM partitions) AND epoch IS NOT
                (SELECT epoch FROM epochs WHERE partition=(events.id >> 44) AND first <= (events.id & ((1 << 44) - 1))
                ORDER BY first DESC LIMIT 1)
            """))
        {
            while (select.Step())
            {
                wrong.Add(select.Long(0));
            }
        }

        using Statement clear = database.Prepare("DELETE FROM epochs WHERE partition=?");
        using Statement events = database.Prepare($"SELECT {Sequence}, epoch FROM events WHERE id BETWEEN ? AND ? ORDER BY id");
        using Statement insert = database.Prepare("INSERT INTO epochs(partition, first, epoch) VALUES(?, ?, ?)");
        foreach (long row in wrong)
        {
            clear.Bind(1, row).Run();
            long? epoch = null;
            events.Bind(1, OutboxDatabase.EventId(row, 0)).Bind(2, OutboxDatabase.EventId(row + 1, 0) - 1);
            while (events.Step())
            {
                if (epoch != events.Long(1))
                {
                    epoch = events.Long(1);
                    insert.Bind(1, row).Bind(2, events.Long(0)).Bind(3, events.Long(1)).Run();
                }
            }

            events.Reset();
        }

        return wrong.Count;
    }

    private static long Stand(OutboxDatabase database)
    {
        List<(long Partition, string Origin)> bad = [];
        using (Statement select = database.Prepare("SELECT partition, origin, offset FROM stand"))
        {
            while (select.Step())
            {
                if (!Origin.TryParse(select.Text(1), out _) || select.Long(2) < 0)
                {
                    bad.Add((select.Long(0), select.Text(1)));
                }
            }
        }

        using Statement delete = database.Prepare("DELETE FROM stand WHERE partition=? AND origin=?");
        foreach ((long partition, string origin) in bad)
        {
            delete.Bind(1, partition).Bind(2, origin).Run();
        }

        return bad.Count;
    }

    private static long Streams(OutboxDatabase database)
    {
        List<string> bad = [];
        using (Statement select = database.Prepare("SELECT stream, partitions FROM streams"))
        {
            while (select.Step())
            {
                if (!StreamPath.TryParse(select.Text(0), out _, out _) || select.Long(1) is < 1 or > PartitionId.MaxCount)
                {
                    bad.Add(select.Text(0));
                }
            }
        }

        using Statement delete = database.Prepare("DELETE FROM streams WHERE stream=?");
        foreach (string stream in bad)
        {
            delete.Bind(1, stream).Run();
        }

        return bad.Count;
    }

    private static string Keep(string path, TimeProvider time)
    {
        string copy = $"{path}.before-repair-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        for (int n = 2; File.Exists(copy); n++)
        {
            copy = $"{path}.before-repair-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}-{n}";
        }

        try
        {
            foreach (string suffix in new[] { string.Empty, "-wal" })
            {
                if (File.Exists(path + suffix))
                {
                    File.Copy(path + suffix, copy + suffix);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageFailedException($"outbox {path}: no copy of it could be kept ({e.Message}). Nothing was changed", e);
        }

        return copy;
    }
}
