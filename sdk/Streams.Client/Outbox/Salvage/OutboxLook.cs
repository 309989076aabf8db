using Streams.Core;

namespace Streams.Client;

/// <summary>Looks an outbox's file over when it is opened: shortly when it was closed cleanly, wholly when it was not.</summary>
internal static class OutboxLook
{
    private static readonly string[] Tables = ["meta", "openings", "streams", "partitions", "epochs", "events", "refused", "stand",
        "consumers", "cursors", "given"];

    /// <summary>What is wrong with the file; <see langword="null"/> when nothing is found.</summary>
    public static string? FaultOf(OutboxDatabase database)
    {
        long format = database.Scalar("PRAGMA user_version");
        long tables = database.Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name IN ('"
            + string.Join("','", Tables) + "')");
        if (format == 0 && tables == 0)
        {
            return null;                                       // a new file
        }

        Dictionary<long, byte[]> copies = OutboxCopies.Load(database);
        if (format > OutboxDatabase.Format)
        {
            return copies.TryGetValue(OutboxCopies.Roots, out byte[]? roots)
                && OutboxCopies.ReadRoots(roots).Any(static r => r is ("format", <= OutboxDatabase.Format))
                    ? $"its head says format {format}, which it is not" : null;
        }

        return tables < Tables.Length ? "tables are missing"
            : FaultInNames(database, copies) ?? (format >= 3 ? FaultInChecks(database) : null)
            ?? (database.Scalar("SELECT value FROM meta WHERE key='clean'") == 1 ? null : FaultInside(database));
    }

    private static string? FaultInNames(OutboxDatabase database, Dictionary<long, byte[]> copies)
    {
        if (copies.TryGetValue(OutboxCopies.Roots, out byte[]? roots) && !OutboxCopies.FitsRoots(database, roots))
        {
            return "tables are not where, or not what they were";
        }

        byte[] producer = [];
        using (Statement select = database.Prepare("SELECT value FROM meta WHERE key='producer'"))
        {
            producer = select.Step() ? select.Blob(0).ToArray() : producer;
        }

        if (copies.TryGetValue(OutboxCopies.Producer, out byte[]? copy) && !copy.AsSpan().SequenceEqual(producer))
        {
            return "the producer's id is not what it was";
        }

        if (copies.TryGetValue(OutboxCopies.Keys, out byte[]? keys) && !keys.AsSpan().SequenceEqual(OutboxCopies.KeysOf(database)))
        {
            return "the names of keys are not what they were";
        }

        HashSet<long> missing = [.. copies.Keys.Where(static id => id > 0)];
        using Statement partitions = database.Prepare("SELECT id, stream, partition FROM partitions");
        while (partitions.Step())
        {
            long id = partitions.Long(0);
            if (!StreamPath.TryParse(partitions.Text(1), out StreamPath stream, out _)
                || partitions.Long(2) is < 0 or >= PartitionId.MaxCount
                || (missing.Remove(id) && OutboxCopies.Partition(copies[id]) != new StreamPartition(stream,
                    new PartitionId((int)partitions.Long(2)))))
            {
                return $"partition {id} is not what it was";
            }

            if (producer.Length != ProducerId.Size)
            {
                return "the producer's id is missing";
            }
        }

        return missing.Count > 0 ? "partitions are missing" : null;
    }

    private static string? FaultInChecks(OutboxDatabase database)
    {
        using (Statement rows = database.Prepare("SELECT id, next, events, bytes, countcheck FROM partitions"))
        {
            while (rows.Step())
            {
                if (!rows.IsNull(4) && rows.Long(4) != CountCheck.Of(rows.Long(0), rows.Long(1), rows.Long(2), rows.Long(3)))
                {
                    return $"the counts of partition {rows.Long(0)} do not match their checksum";
                }
            }
        }

        if (database.Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='stages'") == 0)
        {
            return null;
        }

        using Statement stages = database.Prepare("SELECT partition, next, rows, bytes, countcheck,"
            + " partition IN (SELECT id FROM partitions) FROM stages");
        while (stages.Step())
        {
            if (stages.Long(5) == 0
                || (!stages.IsNull(4)
                    && stages.Long(4) != CountCheck.OfStage(stages.Long(0), stages.Long(1), stages.Long(2), stages.Long(3))))
            {
                return $"what is counted of the stage of partition {stages.Long(0)} does not match its checksum";
            }
        }

        return null;
    }

    private static string? FaultInside(OutboxDatabase database)
    {
        string verdict = database.ScalarText("PRAGMA integrity_check(1)");
        return verdict != "ok" ? verdict.ReplaceLineEndings("; ") : FaultInCounts(database) ?? FaultInStage(database);
    }

    // Pages that are sound, but of another time than others, show in what they say of each other.
    private static string? FaultInCounts(OutboxDatabase database)
    {
        using Statement rows = database.Prepare("SELECT id, next, events, bytes FROM partitions ORDER BY id");
        using Statement epochs = database.Prepare("SELECT first, epoch FROM epochs WHERE partition=? ORDER BY first");
        using Statement events = database.Prepare("SELECT count(*), total(bytes), max(id), min(epoch), max(epoch) FROM events"
            + " WHERE id BETWEEN ? AND ?");
        using Statement between = database.Prepare("SELECT 1 FROM events WHERE id >= ? AND id < ? LIMIT 1");
        long end = long.MinValue;
        while (rows.Step())
        {
            long id = rows.Long(0);
            if (IsAny(end, OutboxDatabase.EventId(id, 0)))
            {
                break;
            }

            end = OutboxDatabase.EventId(id + 1, 0);
            List<(long First, long Epoch)> given = [];
            epochs.Bind(1, id);
            while (epochs.Step())
            {
                given.Add((epochs.Long(0), epochs.Long(1)));
            }

            epochs.Reset();
            (long count, long bytes, long last) = (0, 0, 0);
            for (int i = 0; i < given.Count; i++)
            {
                events.Bind(1, OutboxDatabase.EventId(id, given[i].First))
                    .Bind(2, i + 1 < given.Count ? OutboxDatabase.EventId(id, given[i + 1].First) - 1 : end - 1).Step();
                if (events.Long(0) > 0 && (events.Long(3) != given[i].Epoch || events.Long(4) != given[i].Epoch))
                {
                    return $"the epoch kept for events of partition {id} from {given[i].First} on is another than their own";
                }

                (count, bytes) = (count + events.Long(0), bytes + events.Long(1));
                last = events.Long(0) > 0 ? OutboxDatabase.SequenceOf(events.Long(2)) : last;
                events.Reset();
            }

            long unnamed = given.Count > 0 ? given[0].First : OutboxDatabase.SequenceOf(-1);
            if (count != rows.Long(2) || bytes != rows.Long(3) || last >= rows.Long(1)
                || IsAny(OutboxDatabase.EventId(id, 0), OutboxDatabase.EventId(id, unnamed)))
            {
                return $"partition {id} is said to have {rows.Long(2)} events that wait, and has {count} of a known epoch";
            }
        }

        return IsAny(end, long.MaxValue) ? "events are of partitions that are not there" : null;

        bool IsAny(long from, long to)
        {
            bool any = between.Bind(1, from).Bind(2, to).Step();
            between.Reset();
            return any;
        }
    }

    private static string? FaultInStage(OutboxDatabase database)
    {
        if (database.Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='stages'") == 0)
        {
            return null;
        }

        string of(string table) => $"(SELECT count(*) FROM {table} WHERE {table}.id BETWEEN stages.partition << 44"
            + " AND ((stages.partition + 1) << 44) - 1)";
        return database.Scalar($"SELECT count(*) FROM stages WHERE rows <> {of("staged")} + {of("gaps")}") > 0
            || database.Scalar("SELECT total(rows) FROM stages")
                != database.Scalar("SELECT (SELECT count(*) FROM staged) + (SELECT count(*) FROM gaps)")
            ? "more or fewer events are staged than is said" : null;
    }
}
