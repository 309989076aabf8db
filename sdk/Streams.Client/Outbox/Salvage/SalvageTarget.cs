using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>The new file that a damaged outbox's rows are saved into: beside the damaged one, in one transaction that is flushed when it is
/// committed. It is thrown away when anything goes wrong.</summary>
internal sealed class SalvageTarget : IDisposable
{
    private readonly OutboxDatabase _database;
    private readonly Dictionary<string, Statement> _statements = [];

    /// <summary>Makes the file.</summary>
    /// <exception cref="StorageFailedException">The disk refuses.</exception>
    public SalvageTarget(string path)
    {
        _database = new OutboxDatabase(path, writable: true);
        try
        {
            _database.Execute("PRAGMA journal_mode=OFF");      // nobody reads it before it is whole
            _database.CreateSchema();
            StageTables.Create(_database);
            _database.Execute("BEGIN IMMEDIATE");
        }
        catch
        {
            _database.Dispose();
            throw;
        }
    }

    /// <summary>What was seen of each partition.</summary>
    public Dictionary<long, SavedPartition> Partitions { get; } = [];

    /// <summary>Whose outbox it is, or <see langword="null"/> as long as that is not found.</summary>
    public ProducerId? Producer { get; set; }

    /// <summary>The file.</summary>
    public OutboxDatabase Database => _database;

    /// <summary>Rows written.</summary>
    public long Rows { get; private set; }

    /// <summary>What is known of a partition.</summary>
    public SavedPartition Partition(long id)
    {
        if (!Partitions.TryGetValue(id, out SavedPartition? known))
        {
            known = new SavedPartition(id);
            Partitions.Add(id, known);
        }

        return known;
    }

    /// <summary>A statement that is used again and again: the row that is there stays.</summary>
    public Statement Into(string table, string columns)
    {
        if (!_statements.TryGetValue(table, out Statement? statement))
        {
            string places = string.Join(',', Enumerable.Repeat("?", columns.Count(static c => c == ',') + 1));
            statement = _database.Prepare($"INSERT OR IGNORE INTO {table}({columns}) VALUES({places})");
            _statements.Add(table, statement);
        }

        Rows++;
        return statement;
    }

    /// <summary>Makes what tables say of each other, tells what is missing, and commits.</summary>
    /// <param name="now">The time, in microseconds since 1970.</param>
    /// <param name="isProven">Whether rows found where they belong are the latest ones.</param>
    /// <param name="mayBeOld">Whether any page may be an older one, with rows that have left since.</param>
    /// <param name="isTorn">Whether a table could not be read to its end.</param>
    /// <param name="report">Gets the numbers.</param>
    public void Finish(long now, bool isProven, bool mayBeOld, Func<string, bool> isTorn, SalvageReport report)
    {
        _database.Execute("DELETE FROM events WHERE id IN (SELECT id FROM refused)");
        using GapRows gaps = new(_database);
        using Statement count = _database.Prepare("SELECT count(*), coalesce(sum(bytes), 0), coalesce(min(id), 0), coalesce(max(id), 0)"
            + " FROM events WHERE id BETWEEN ? AND ?");
        using Statement refused = _database.Prepare("SELECT count(*), coalesce(max(id), 0) FROM refused WHERE id BETWEEN ? AND ?");
        using Statement insert = _database.Prepare("INSERT INTO partitions(id, stream, partition, next, events, bytes, countcheck)"
            + " VALUES(?, ?, ?, ?, ?, ?, ?)");
        HashSet<StreamPartition> names = [];
        foreach (SavedPartition partition in Partitions.Values.OrderBy(static p => !p.IsChecked).ThenBy(static p => p.Id))
        {
            if (partition.Partition is not { } name || !names.Add(name))
            {
                continue;                                      // of two with one name one was changed by damage
            }

            (long from, long to) = (OutboxDatabase.EventId(partition.Id, 0), OutboxDatabase.EventId(partition.Id + 1, 0) - 1);
            count.Bind(1, from).Bind(2, to).Step();
            (long events, long bytes, long first, long last) = (count.Long(0), count.Long(1), OutboxDatabase.SequenceOf(count.Long(2)),
                OutboxDatabase.SequenceOf(count.Long(3)));
            count.Reset();
            refused.Bind(1, from).Bind(2, to).Step();
            (long aside, long lastAside) = (refused.Long(0), OutboxDatabase.SequenceOf(refused.Long(1)));
            refused.Reset();

            long highest = Math.Max(partition.Highest, Math.Max(last, lastAside));
            long next = Math.Max(partition.Next, highest + 1);
            bool leaps = !(isProven && partition.IsProven) && next < (1L << (OutboxDatabase.SequenceBits - 1));
            next += leaps ? SavedPartition.Leap : 0;
            insert.Bind(1, partition.Id).Bind(2, name.Stream.Value).Bind(3, name.Partition.Value).Bind(4, next).Bind(5, events)
                .Bind(6, bytes).Bind(7, CountCheck.Of(partition.Id, next, events, bytes)).Run();

            // Without a count, or where rows that had left may have come back for others, numbers that are missing among those that are
            // there are what there is to go by.
            long missing = partition.Expected - events;
            if ((mayBeOld || (partition.Expected < 0 && isTorn("events"))) && events > 0)
            {
                missing = Math.Max(missing, Math.Max(last, mayBeOld ? partition.Next - 1 : last) - first + 1 - events - aside);
            }

            report.Leaps += leaps ? 1 : 0;
            report.Missing += Stage(partition, gaps, Math.Max(0, missing), mayBeOld, now);
        }

        report.Nameless += Unnamed();
        Epochs();
        report.Events = _database.Scalar("SELECT count(*) FROM events");
        report.Staged = _database.Scalar("SELECT count(*) FROM staged");
        report.Refused = _database.Scalar("SELECT count(*) FROM refused");
        report.Consumers = _database.Scalar("SELECT count(*) FROM consumers");
        WhatBelongsToNothing();
        using (Statement meta = _database.Prepare("INSERT OR REPLACE INTO meta(key, value) VALUES('producer', ?)"))
        {
            meta.Bind(1, OutboxCopies.Of(Producer!.Value)).Run();
        }

        foreach (Statement statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
    }

    /// <summary>Makes it last.</summary>
    public void Commit()
    {
        _database.Execute("COMMIT");
        PartitionTable partitions = new();
        partitions.Load(_database);
        OutboxCopies.Keep(_database, Producer!.Value, partitions.Rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in _statements.Values)
        {
            statement.Dispose();
        }

        _database.RollBack();
        _database.Dispose();
    }

    // Returns how many events the gap tells of that is added.
    private long Stage(SavedPartition partition, GapRows gaps, long missing, bool mayBeOld, long now)
    {
        (long from, long to) = (OutboxDatabase.EventId(partition.Id, 0), OutboxDatabase.EventId(partition.Id + 1, 0) - 1);
        long rows = _database.Scalar($"SELECT count(*) FROM staged WHERE id BETWEEN {from} AND {to}")
            + _database.Scalar($"SELECT count(*) FROM gaps WHERE id BETWEEN {from} AND {to}");
        long bytes = Bytes();
        long staged = partition.StageExpected >= 0 ? Math.Max(0, partition.StageExpected - rows) : 0;
        missing += staged == 0 && mayBeOld && partition.StageExpected > 0 && bytes != partition.StageBytes ? 1 : staged;
        long next = Math.Max(partition.StageNext, partition.StageHighest + 1);
        if (missing > 0)
        {
            byte[] topic = Encoding.UTF8.GetBytes(EventGap.ManyTopics);
            if (gaps.TryFind(partition.Id, GapReason.Damaged, topic, out GapRow known))
            {
                gaps.Grow(known, known.Id, now, missing);
            }
            else
            {
                gaps.Insert(new GapRow(OutboxDatabase.EventId(partition.Id, next++), GapReason.Damaged, missing, now, now, topic));
                rows++;
            }
        }

        if (next > 1)
        {
            bytes = Bytes();
            using Statement insert = _database.Prepare(
                "INSERT INTO stages(partition, next, rows, bytes, countcheck) VALUES(?, ?, ?, ?, ?)");
            insert.Bind(1, partition.Id).Bind(2, next).Bind(3, rows).Bind(4, bytes)
                .Bind(5, CountCheck.OfStage(partition.Id, next, rows, bytes)).Run();
        }

        return missing;

        long Bytes() => _database.Scalar($"SELECT total(bytes) FROM staged WHERE id BETWEEN {from} AND {to}")
            + _database.Scalar($"SELECT total(length(topic) + {GapHeaders.MaxBytes + 64}) FROM gaps WHERE id BETWEEN {from} AND {to}");
    }

    // An event is sent under the epoch that stands in its own row, which has a checksum (R7).
    private void Epochs()
    {
        using Statement events = _database.Prepare("SELECT id, epoch FROM events ORDER BY id");
        using Statement insert = _database.Prepare("INSERT INTO epochs(partition, first, epoch) VALUES(?, ?, ?)");
        (long partition, long epoch) = (0, 0);
        while (events.Step())
        {
            (long id, long own) = (events.Long(0), events.Long(1));
            if (id >> OutboxDatabase.SequenceBits != partition || own != epoch)
            {
                (partition, epoch) = (id >> OutboxDatabase.SequenceBits, own);
                insert.Bind(1, partition).Bind(2, OutboxDatabase.SequenceOf(id)).Bind(3, epoch).Run();
            }
        }
    }

    private long Unnamed()
    {
        long rows = 0;
        foreach (string table in new[] { "events", "refused", "staged", "gaps" })
        {
            _database.Execute($"DELETE FROM {table} WHERE id >> {OutboxDatabase.SequenceBits} NOT IN (SELECT id FROM partitions)");
            rows += _database.Scalar("SELECT changes()");
        }

        return rows;
    }

    private void WhatBelongsToNothing()
    {
        foreach ((string table, string key, string of) in OutboxRepair.Owned)
        {
            _database.Execute($"DELETE FROM {table} WHERE {key} NOT IN (SELECT id FROM {of})");
        }
    }
}
