using Streams.Core;

namespace Streams.Client;

/// <summary>The writes of the outbox, as prepared statements inside the transaction that the writer has open. Used by the writer's
/// thread alone.</summary>
internal sealed class OutboxTransaction : IDisposable
{
    private readonly OutboxDatabase _database;
    private readonly PartitionTable _partitions;
    private readonly ProducerId _producer;
    private readonly ulong _epoch;
    private readonly EventInsert _insert;
    private readonly Statement _partition;
    private readonly Statement _copy;
    private readonly Statement _sum;
    private readonly Statement _delete;
    private readonly Statement _park;
    private readonly Statement _stand;
    private readonly Statement _forget;
    private readonly Statement _stream;
    private readonly Statement _epochs;
    private readonly Statement _pages;
    private readonly Statement _free;
    private readonly Statement _some;
    private readonly List<PartitionRow> _touched = [];
    private readonly List<(StreamPartition Partition, long First, long Last, long Bytes)> _appended = [];

    /// <summary>The statements of a database under this opening's epoch.</summary>
    public OutboxTransaction(OutboxDatabase database, PartitionTable partitions, ProducerId producer, ulong epoch, FileLimits limits,
        ByteGate gate, TimeProvider time, SealKeys? keys = null)
    {
        Limits = limits;
        _database = database;
        _partitions = partitions;
        _producer = producer;
        _epoch = epoch;
        RowSealer? sealer = keys is { Current: not 0 } ? new RowSealer(keys) : null;
        StageSeal = sealer is null ? null : new StageSeal(sealer, keys!);
        _insert = new EventInsert(database, epoch, sealer);
        _partition = database.Prepare("INSERT INTO partitions(id, stream, partition, next, events, bytes, countcheck)"
            + " VALUES(?, ?, ?, ?, ?, ?, ?)"
            + " ON CONFLICT(id) DO UPDATE SET next=excluded.next, events=excluded.events, bytes=excluded.bytes,"
            + " countcheck=excluded.countcheck");
        _copy = database.Prepare(OutboxCopies.Insert);
        _sum = database.Prepare("SELECT count(*), total(bytes) FROM events WHERE id BETWEEN ? AND ?");
        _delete = database.Prepare("DELETE FROM events WHERE id BETWEEN ? AND ?");
        _park = database.Prepare("INSERT OR REPLACE INTO refused(id, epoch, at, bytes, topic, key, headers, payload, reason, crc, seal)"
            + " SELECT id, epoch, at, bytes, topic, key, headers, payload, ?, crc, seal FROM events WHERE id BETWEEN ? AND ?");
        _stand = database.Prepare("INSERT INTO stand(partition, origin, offset, turn) VALUES(?, ?, ?, ?)");
        _forget = database.Prepare("DELETE FROM stand WHERE partition=?");
        _pages = database.Prepare("PRAGMA page_count");
        _free = database.Prepare("PRAGMA freelist_count");
        _some = database.Prepare("SELECT id, bytes FROM events WHERE id BETWEEN ? AND ? ORDER BY id");
        _epochs = database.Prepare("INSERT INTO epochs(partition, first, epoch) VALUES(?, ?, ?)");
        _stream = database.Prepare("INSERT INTO streams(stream, partitions) VALUES(?, ?)"
            + " ON CONFLICT(stream) DO UPDATE SET partitions=excluded.partitions");
        Stage = new Stage(this, partitions, gate, time);
    }

    /// <summary>Seals what is written, or <see langword="null"/> when it is written plainly.</summary>
    public StageSeal? StageSeal { get; }

    /// <summary>Events that have no sequence yet.</summary>
    public Stage Stage { get; }

    /// <summary>The producer.</summary>
    public ProducerId Producer => _producer;

    /// <summary>The epoch of this opening (rule R7).</summary>
    public ulong Epoch => _epoch;

    /// <summary>What the files may take.</summary>
    public FileLimits Limits { get; }

    /// <summary>The database, for rarer statements.</summary>
    public OutboxDatabase Database => _database;

    /// <summary>Runs of events appended by the transaction.</summary>
    public IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)> Appended => _appended;

    /// <summary>Bytes that left with the transaction.</summary>
    public long BytesLeft { get; private set; }

    /// <summary>Whether SQLite met damage in the file since it was opened: then it is not closed as a clean one, and looked over at the
    /// next opening.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Events that left with the transaction.</summary>
    public long EventsLeft { get; private set; }

    /// <summary>Events that came with the transaction.</summary>
    public long EventsCame { get; private set; }

    /// <summary>Bytes that came with the transaction.</summary>
    public long BytesCame { get; private set; }

    /// <summary>Bytes of the database that are in use; free pages are not. As of the last commit.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Whether the transaction is flushed when it is committed.</summary>
    public bool IsFlushed => _database.Flushes;

    /// <summary>Begins.</summary>
    /// <param name="flushes">Whether it is to be flushed when it is committed.</param>
    public void Begin(bool flushes)
    {
        Forget();
        Stage.Begin();
        _database.Flushes = flushes;
        _database.Execute("BEGIN IMMEDIATE");
    }

    /// <summary>Makes everything since <see cref="Begin"/> last, as was said there.</summary>
    public void Commit()
    {
        Flush();
        foreach (PartitionRow row in _touched)
        {
            _partition.Bind(1, row.Id).Bind(2, row.Partition.Stream.Value).Bind(3, row.Partition.Partition.Value)
                .Bind(4, row.Next).Bind(5, row.Events).Bind(6, row.Bytes)
                .Bind(7, CountCheck.Of(row.Id, row.Next, row.Events, row.Bytes)).Run();
            if (!row.HasCopy)
            {
                OutboxCopies.Write(_copy, row.Id, OutboxCopies.Of(row.Partition));
            }

            Stage.Keep(row);
        }

        Stage.Keep();

        Measure();
        _database.Execute("COMMIT");
        foreach (PartitionRow row in _touched)
        {
            row.Before = null;
            row.HasCopy = true;
        }

        _touched.Clear();
        Stage.Committed();
    }

    /// <summary>Writes the events that were appended and are not in the table yet: before anything else looks at it.</summary>
    public void Flush() => _insert.Flush();

    /// <summary>Measures the file.</summary>
    public void Measure()
    {
        _pages.Step();
        _free.Step();
        UsedBytes = (_pages.Long(0) - _free.Long(0)) * FileLimits.PageBytes;
        _pages.Reset();
        _free.Reset();
    }

    /// <summary>The last of these events such that, with what left before it in this transaction, at most <paramref name="maxBytes"/>
    /// leave; at least the first when nothing has left yet; 0 when the transaction has enough.</summary>
    public long SomeOf(StreamPartition partition, long first, long last, long maxBytes)
    {
        long row = _partitions.Row(partition).Id;
        long left = BytesLeft;
        _some.Bind(1, OutboxDatabase.EventId(row, first)).Bind(2, OutboxDatabase.EventId(row, last));
        try
        {
            while (_some.Step())
            {
                long bytes = _some.Long(1);
                if (left > 0 && left + bytes > maxBytes)
                {
                    long sequence = OutboxDatabase.SequenceOf(_some.Long(0));
                    return sequence == first ? 0 : sequence - 1;
                }

                left += bytes;
            }

            return last;
        }
        finally
        {
            _some.Reset();
        }
    }

    /// <summary>Undoes everything since <see cref="Begin"/>, in the file and in memory.</summary>
    public void RollBack()
    {
        _database.RollBack();
        foreach (PartitionRow row in _touched)
        {
            (row.Next, row.Events, row.Bytes, row.HasEpoch, row.Stage) = row.Before!.Value;
            row.Before = null;
        }

        Stage.RollBack();

        Forget();
    }

    /// <summary>Appends an event: it gets the next sequence of its partition (from 1, without a gap) under this opening's epoch (rule
    /// R7).</summary>
    public EventIdentity Append(PendingPublish publish)
    {
        PartitionRow row = _partitions.Row(publish.Partition);
        CountCame(publish);
        long sequence = NextSequence(row, publish.Bytes);
        _insert.Add(OutboxDatabase.EventId(row.Id, sequence), publish);
        return new EventIdentity(_producer, _epoch, sequence);
    }

    /// <summary>An event that waits is given its sequence.</summary>
    public long NextSequence(PartitionRow row, long bytes)
    {
        Touch(row);
        long sequence = row.Next++;
        row.Events++;
        row.Bytes += bytes;
        if (!row.HasEpoch)
        {
            row.HasEpoch = true;
            _epochs.Bind(1, row.Id).Bind(2, sequence).Bind(3, unchecked((long)_epoch)).Run();
        }

        int last = _appended.Count - 1;
        if (last >= 0 && _appended[last].Partition == row.Partition)
        {
            _appended[last] = _appended[last] with { Last = sequence, Bytes = _appended[last].Bytes + bytes };
        }
        else
        {
            _appended.Add((row.Partition, sequence, sequence, bytes));
        }

        return sequence;
    }

    /// <summary>An event is written.</summary>
    public void CountCame(PendingPublish publish)
    {
        EventsCame++;
        if (publish.Entry == GateEntry.Entered)
        {
            BytesCame += publish.Bytes;
        }
        else
        {
            BytesLeft -= publish.Bytes;
        }
    }

    /// <summary>Events left, or came without having entered (less than none left).</summary>
    public void CountLeft(long events, long bytes)
    {
        EventsLeft += events;
        BytesLeft += bytes;
    }

    /// <summary>Takes events out: a cluster holds them.</summary>
    public void Remove(StreamPartition partition, long first, long last)
    {
        PartitionRow row = _partitions.Row(partition);
        Touch(row);
        long from = OutboxDatabase.EventId(row.Id, first);
        long to = OutboxDatabase.EventId(row.Id, last);
        _sum.Bind(1, from).Bind(2, to).Step();
        (long events, long bytes) = (_sum.Long(0), _sum.Long(1));
        _sum.Reset();
        _delete.Bind(1, from).Bind(2, to).Run();
        row.Events -= events;
        row.Bytes -= bytes;
        CountLeft(events, bytes);
    }

    /// <summary>Takes events out that cannot be read, and leaves a gap behind what waits.</summary>
    /// <param name="partition">Their partition.</param>
    /// <param name="first">The first.</param>
    /// <param name="last">The last.</param>
    /// <param name="at">About when they happened, in microseconds since 1970.</param>
    public void SetAside(StreamPartition partition, long first, long last, long at)
    {
        PartitionRow row = _partitions.Row(partition);
        long before = row.Events;
        Remove(partition, first, last);
        long missing = last - first + 1 - (before - row.Events);
        row.Events -= missing;
        CountLeft(missing, 0);
        Stage.TellDamaged(row, last - first + 1, at);
    }

    /// <summary>Puts refused events aside, with the reason.</summary>
    public void Park(StreamPartition partition, long first, long last, string reason)
    {
        PartitionRow row = _partitions.Row(partition);
        _park.Bind(1, reason).Bind(2, OutboxDatabase.EventId(row.Id, first)).Bind(3, OutboxDatabase.EventId(row.Id, last)).Run();
        Remove(partition, first, last);
    }

    /// <summary>Keeps where the producer's events stand (rule R5).</summary>
    public void Stand(StreamPartition partition, IReadOnlyList<EventPlace> places)
    {
        PartitionRow row = _partitions.Row(partition);
        Touch(row);
        _forget.Bind(1, row.Id).Run();
        for (int i = 0; i < places.Count; i++)
        {
            _stand.Bind(1, row.Id).Bind(2, places[i].Origin.ToString()).Bind(3, places[i].Offset.Value).Bind(4, i).Run();
        }
    }

    /// <summary>Keeps how many partitions a stream has.</summary>
    public void Stream(StreamPath stream, int partitions) => _stream.Bind(1, stream.Value).Bind(2, partitions).Run();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in new[] { _partition, _copy, _sum, _delete, _park, _stand, _forget, _stream, _epochs,
            _pages, _free, _some })
        {
            statement.Dispose();
        }

        _insert.Dispose();
        StageSeal?.Sealer.Dispose();
        StageSeal?.Dispose();
        Stage.Dispose();
    }

    /// <summary>The partition changes with this transaction.</summary>
    public void Touch(PartitionRow row)
    {
        if (row.Before is null)
        {
            row.Before = (row.Next, row.Events, row.Bytes, row.HasEpoch, row.Stage);
            _touched.Add(row);
        }
    }

    private void Forget()
    {
        _insert.Clear();
        _touched.Clear();
        _appended.Clear();
        BytesLeft = EventsLeft = EventsCame = BytesCame = 0;
    }
}
