using Streams.Core;

namespace Streams.Client;

/// <summary>What an outbox says in two places, or with a checksum, of itself: the second copies of names, and the checksums of counts.
/// Files before format 3 have none.</summary>
internal static class CopyChecks
{
    private const long FirstFormat = 3;

    /// <summary>Looks at what is said twice.</summary>
    public static void Look(OutboxReading reading, Action<string, string, string, bool> found)
    {
        if (reading.Format < FirstFormat || !reading.HasTable("copies"))
        {
            return;
        }

        foreach ((long id, StreamPartition partition) in Copies(reading.Prepare))
        {
            if (NameOf(reading.Prepare, id) is var name && name != partition.ToString()
                && !IsElsewhere(reading.Prepare, id, partition))
            {
                found(name is null ? "partition-missing" : "partition-name", $"partitions {id}",
                    name is null ? $"the row of {partition} is not there" : $"the row says {name}, its copy {partition}", true);
            }
        }

        foreach ((string table, long id) in WrongCounts(reading.Prepare))
        {
            found("count-check", $"{table} {id}", "what is counted does not match its checksum", true);
        }
    }

    /// <summary>The copy of the producer's id, or <see langword="null"/>.</summary>
    public static byte[]? Producer(Func<string, Statement> prepare) =>
        Rows(prepare).FirstOrDefault(static c => c.Id == OutboxCopies.Producer).Body is { Length: ProducerId.Size } body ? body : null;

    /// <summary>Puts right what has a copy, inside the running transaction.</summary>
    public static void MendNames(OutboxDatabase database, Action<string, long> done)
    {
        if (Producer(database.Prepare) is { } producer)
        {
            using Statement meta = database.Prepare("INSERT INTO meta(key, value) VALUES('producer', ?1)"
                + " ON CONFLICT(key) DO UPDATE SET value=?1 WHERE value<>?1");
            meta.Bind(1, producer).Run();
            done("the producer's id was put back from its copy", database.Scalar("SELECT changes()"));
        }

        long names = 0;
        using Statement row = database.Prepare("INSERT INTO partitions(id, stream, partition, next, events, bytes) VALUES(?, ?, ?, 1, 0, 0)"
            + " ON CONFLICT(id) DO UPDATE SET stream=excluded.stream, partition=excluded.partition");
        foreach ((long id, StreamPartition partition) in Copies(database.Prepare))
        {
            if (NameOf(database.Prepare, id) != partition.ToString() && !IsElsewhere(database.Prepare, id, partition))
            {
                row.Bind(1, id).Bind(2, partition.Stream.Value).Bind(3, partition.Partition.Value).Run();
                names++;
            }
        }

        done("partitions were put back from their copies", names);
    }

    /// <summary>Makes the checksums of counts anew, once the counts are right.</summary>
    public static void MendCounts(OutboxDatabase database, Action<string, long> done)
    {
        long wrong = WrongCounts(database.Prepare).Count;
        OutboxCopies.CheckCounts(database);
        done("checksums of counts were made anew", wrong);
    }

    private static List<(long Id, byte[] Body)> Rows(Func<string, Statement> prepare)
    {
        List<(long, byte[])> rows = [];
        using Statement select = prepare("SELECT id, body, crc FROM copies ORDER BY id");
        while (select.Step())
        {
            if (select.Long(2) == OutboxCopies.Check(select.Long(0), select.Blob(1)))
            {
                rows.Add((select.Long(0), select.Blob(1).ToArray()));
            }
        }

        return rows;
    }

    private static List<(long Id, StreamPartition Partition)> Copies(Func<string, Statement> prepare)
    {
        List<(long, StreamPartition)> copies = [];
        foreach ((long id, byte[] body) in Rows(prepare))
        {
            if (id > 0 && OutboxCopies.Partition(body) is { } partition)
            {
                copies.Add((id, partition));
            }
        }

        return copies;
    }

    private static string? NameOf(Func<string, Statement> prepare, long id)
    {
        using Statement select = prepare("SELECT stream || '#' || partition FROM partitions WHERE id=?");
        return select.Bind(1, id).Step() ? select.Text(0) : null;
    }

    private static bool IsElsewhere(Func<string, Statement> prepare, long id, StreamPartition partition)
    {
        using Statement select = prepare("SELECT 1 FROM partitions WHERE stream=? AND partition=? AND id<>?");
        return select.Bind(1, partition.Stream.Value).Bind(2, partition.Partition.Value).Bind(3, id).Step();
    }

    private static List<(string Table, long Id)> WrongCounts(Func<string, Statement> prepare)
    {
        List<(string, long)> wrong = [];
        using (Statement rows = prepare("SELECT id, next, events, bytes, countcheck FROM partitions WHERE countcheck IS NOT NULL"))
        {
            while (rows.Step())
            {
                if (rows.Long(4) != CountCheck.Of(rows.Long(0), rows.Long(1), rows.Long(2), rows.Long(3)))
                {
                    wrong.Add(("partitions", rows.Long(0)));
                }
            }
        }

        using Statement has = prepare("SELECT 1 FROM sqlite_master WHERE type='table' AND name='stages'");
        if (has.Step())
        {
            using Statement rows = prepare("SELECT partition, next, rows, bytes, countcheck FROM stages WHERE countcheck IS NOT NULL");
            while (rows.Step())
            {
                if (rows.Long(4) != CountCheck.OfStage(rows.Long(0), rows.Long(1), rows.Long(2), rows.Long(3)))
                {
                    wrong.Add(("stages", rows.Long(0)));
                }
            }
        }

        return wrong;
    }
}
