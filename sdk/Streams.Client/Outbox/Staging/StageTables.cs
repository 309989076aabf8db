using Streams.Core;

namespace Streams.Client;

/// <summary>An event in the stage, without its content.</summary>
/// <param name="Id">Partition and number in the stage.</param>
/// <param name="Bytes">What it counts.</param>
/// <param name="At">When it happened, in microseconds since 1970.</param>
/// <param name="MayMakeRoom">Whether it goes when room is wanted.</param>
/// <param name="Ages">Whether it has a time to live.</param>
/// <param name="Topic">Its topic.</param>
internal readonly record struct StagedRow(long Id, long Bytes, long At, bool MayMakeRoom, bool Ages, byte[] Topic);

/// <summary>The stage's tables and statements. Used by the writer's thread alone.</summary>
internal sealed class StageTables : IDisposable
{
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS stages(partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, rows INTEGER NOT NULL,
            bytes INTEGER NOT NULL, countcheck INTEGER);
        CREATE TABLE IF NOT EXISTS staged(id INTEGER PRIMARY KEY, turn INTEGER, slot INTEGER, opening INTEGER NOT NULL, expires INTEGER,
            at INTEGER NOT NULL, bytes INTEGER NOT NULL, topic BLOB NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL,
            payload BLOB NOT NULL, crc INTEGER, seal INTEGER);
        CREATE INDEX IF NOT EXISTS staged_turn ON staged(turn, bytes) WHERE turn IS NOT NULL;
        CREATE INDEX IF NOT EXISTS staged_slot ON staged(slot) WHERE slot IS NOT NULL;
        CREATE INDEX IF NOT EXISTS staged_expires ON staged(opening, expires) WHERE expires IS NOT NULL;
        CREATE TABLE IF NOT EXISTS gaps(id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, reason INTEGER NOT NULL, events INTEGER NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL, topic BLOB NOT NULL);
        CREATE INDEX IF NOT EXISTS gaps_slot ON gaps(slot);
        CREATE TABLE IF NOT EXISTS ages(opening INTEGER PRIMARY KEY, length INTEGER NOT NULL, dark INTEGER NOT NULL, wall INTEGER NOT NULL,
            since INTEGER NOT NULL, boot TEXT NOT NULL, steady INTEGER NOT NULL);
        """;

    private readonly OutboxDatabase _database;
    private readonly StageSeal? _seal;
    private readonly Statement _counts;
    private readonly Statement _insert;
    private readonly Statement _delete;
    private readonly Statement _one;
    private readonly Statement _first;
    private readonly Statement _oldest;
    private readonly Statement _slot;
    private readonly Statement _nextOpening;
    private readonly Statement _expired;
    private readonly Statement _soonest;
    private readonly Statement _move;
    private readonly Statement _moveGap;

    /// <summary>The statements of a database that has the tables.</summary>
    public StageTables(OutboxDatabase database, StageSeal? seal = null)
    {
        _database = database;
        _seal = seal;
        _counts = database.Prepare("INSERT INTO stages(partition, next, rows, bytes, countcheck) VALUES(?, ?, ?, ?, ?)"
            + " ON CONFLICT(partition) DO UPDATE SET next=excluded.next, rows=excluded.rows, bytes=excluded.bytes,"
            + " countcheck=excluded.countcheck");
        _insert = database.Prepare("INSERT INTO staged(id, turn, slot, opening, expires, at, bytes, topic, key, headers, payload, crc,"
            + " seal) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        _delete = database.Prepare("DELETE FROM staged WHERE id=?");
        const string Columns = "SELECT id, bytes, at, turn, expires, topic FROM staged ";
        _one = database.Prepare(Columns + "WHERE id=?");
        _first = database.Prepare(Columns + "WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1");
        _oldest = database.Prepare(Columns + "WHERE turn IS NOT NULL ORDER BY turn LIMIT 1");
        _slot = database.Prepare("SELECT id, bytes, at, turn, expires, topic, key, payload, seal FROM staged WHERE slot=?");
        _nextOpening = database.Prepare("SELECT opening FROM staged WHERE expires IS NOT NULL AND opening>? ORDER BY opening LIMIT 1");
        _expired = database.Prepare("SELECT id FROM staged WHERE opening=? AND expires<=? ORDER BY expires LIMIT ?");
        _soonest = database.Prepare("SELECT expires FROM staged WHERE opening=? AND expires IS NOT NULL ORDER BY expires LIMIT 1");
        _move = database.Prepare("INSERT INTO events(id, epoch, at, bytes, topic, key, headers, payload, crc, seal)"
            + " SELECT ?1, ?2, at, bytes, topic, key, headers, payload, (crc | ?4) - (crc & ?4), seal FROM staged WHERE id=?3");
        _moveGap = database.Prepare("INSERT INTO events(id, epoch, at, bytes, topic, key, headers, payload, crc)"
            + " VALUES(?, ?, ?, ?, ?, x'', ?, x'', ?)");
    }

    /// <summary>Makes the tables that are missing.</summary>
    public static void Create(OutboxDatabase database) => database.Execute($"BEGIN IMMEDIATE;{Schema}COMMIT;");

    /// <summary>Reads what each partition has staged.</summary>
    public static void Load(OutboxDatabase database, PartitionTable partitions)
    {
        using Statement select = database.Prepare("SELECT partition, next, rows, bytes FROM stages");
        while (select.Step())
        {
            PartitionRow row = partitions.Find(select.Long(0))
                ?? throw new DamagedOutboxException($"outbox: events are staged for partition {select.Long(0)}, which is not there");
            row.Stage = new StageCounts(select.Long(1), select.Long(2), select.Long(3));
        }
    }

    /// <summary>The last turn, the bytes that may make room, and the events that age.</summary>
    public (long Turn, long Bytes, long Ages) Totals() => (
        _database.Scalar("SELECT max(turn) FROM staged WHERE turn IS NOT NULL"),
        _database.Scalar("SELECT sum(bytes) FROM staged WHERE turn IS NOT NULL"),
        _database.Scalar("SELECT count(*) FROM staged WHERE expires IS NOT NULL"));

    /// <summary>Keeps what a partition has staged.</summary>
    public void Keep(PartitionRow row) =>
        _counts.Bind(1, row.Id).Bind(2, row.Stage.Next).Bind(3, row.Stage.Rows).Bind(4, row.Stage.Bytes)
            .Bind(5, CountCheck.OfStage(row.Id, row.Stage.Next, row.Stage.Rows, row.Stage.Bytes)).Run();

    /// <summary>Stages an event.</summary>
    public void Insert(long id, PendingPublish publish, long? turn, long? slot, long opening, long? expires)
    {
        PlainEvent content = publish.Content;
        _insert.Bind(1, id).Bind(2, turn).Bind(3, slot).Bind(4, opening).Bind(5, expires).Bind(6, content.TimestampMicroseconds)
            .Bind(7, publish.Bytes).Bind(8, content.Topic.Span);
        (ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload) = _seal is null
            ? new RowContent(content.Key.Span, content.Headers.Span, content.Payload.Span)
            : new RowContent(default, default, _seal.Sealer.Seal(content));
        long? seal = _seal?.Sealer.Key;
        _insert.Bind(9, key).Bind(10, headers).Bind(11, payload)
            .Bind(12, RowCheck.Of(id, 0, content.TimestampMicroseconds, content.Topic.Span, key, headers, payload) ^ RowCheck.Seal(seal))
            .Bind(13, seal).Run();
    }

    /// <summary>A number for a topic and key, to look a staged event up by.</summary>
    public long SlotOf(long partition, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key) =>
        _seal?.SlotOf(_seal.Sealer.Key, partition, topic, key) ?? SlotHash.Of(partition, topic, key);

    /// <summary>An event leaves the stage.</summary>
    public void Delete(long id) => _delete.Bind(1, id).Run();

    /// <summary>An event goes from the stage among those that may be sent.</summary>
    public void Move(long id, long eventId, ulong epoch)
    {
        _move.Bind(1, eventId).Bind(2, unchecked((long)epoch)).Bind(3, id)
            .Bind(4, RowCheck.Moved(id, 0, eventId, epoch)).Run();
        Delete(id);
    }

    /// <summary>A gap goes among the events that may be sent.</summary>
    public void Move(in GapRow gap, long eventId, ulong epoch)
    {
        byte[] headers = GapHeaders.Encode(gap.Reason, gap.Events, gap.First, gap.Last);
        _moveGap.Bind(1, eventId).Bind(2, unchecked((long)epoch)).Bind(3, gap.First).Bind(4, gap.Bytes).Bind(5, gap.Topic)
            .Bind(6, headers).Bind(7, RowCheck.Of(eventId, epoch, gap.First, gap.Topic, default, headers, default)).Run();
    }

    /// <summary>An event.</summary>
    public bool TryGet(long id, out StagedRow row) => TryRead(_one.Bind(1, id), out row);

    /// <summary>The first event of a partition.</summary>
    public bool TryFirst(long partition, out StagedRow row) => TryRead(
        _first.Bind(1, OutboxDatabase.EventId(partition, 0)).Bind(2, OutboxDatabase.EventId(partition + 1, 0) - 1), out row);

    /// <summary>The event that goes first when room is wanted.</summary>
    public bool TryOldest(out StagedRow row) => TryRead(_oldest, out row);

    /// <summary>The event that a newer one of its topic and key replaces.</summary>
    public bool TrySlot(long slot, long partition, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, out StagedRow row)
    {
        if (TrySlotOf(slot, partition, topic, key, out row) || _seal is null)
        {
            return row.Id != 0;
        }

        // One that was staged under an earlier key, or before anything was sealed.
        foreach (long earlier in _seal.Earlier)
        {
            if (TrySlotOf(_seal.SlotOf(earlier, partition, topic, key), partition, topic, key, out row))
            {
                return true;
            }
        }

        return TrySlotOf(SlotHash.Of(partition, topic, key), partition, topic, key, out row);
    }

    private bool TrySlotOf(long slot, long partition, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, out StagedRow row)
    {
        _slot.Bind(1, slot);
        try
        {
            while (_slot.Step())
            {
                row = Read(_slot);
                if (row.Id >> OutboxDatabase.SequenceBits == partition && topic.SequenceEqual(row.Topic)
                    && (_slot.IsNull(8) ? key.SequenceEqual(_slot.Blob(6)) : _seal?.IsKey(_slot.Long(8), row, _slot.Blob(7), key) == true))
                {
                    return true;
                }
            }
        }
        finally
        {
            _slot.Reset();
        }

        row = default;
        return false;
    }

    /// <summary>The next opening in which something was staged that ages, or 0.</summary>
    public long NextOpening(long after) => One(_nextOpening.Bind(1, after)) ?? 0;

    /// <summary>When on the clock of an opening its next event expires.</summary>
    public long? Soonest(long opening) => One(_soonest.Bind(1, opening));

    /// <summary>Events of an opening that have expired by so much on its clock.</summary>
    public void Expired(long opening, long elapsed, int most, List<long> ids)
    {
        _expired.Bind(1, opening).Bind(2, elapsed).Bind(3, most);
        while (_expired.Step())
        {
            ids.Add(_expired.Long(0));
        }

        _expired.Reset();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in new[] { _counts, _insert, _delete, _one, _first, _oldest, _slot, _nextOpening, _expired, _soonest,
            _move, _moveGap })
        {
            statement.Dispose();
        }
    }

    private static long? One(Statement select)
    {
        long? found = select.Step() ? select.Long(0) : null;
        select.Reset();
        return found;
    }

    private static bool TryRead(Statement select, out StagedRow row)
    {
        bool found = select.Step();
        row = found ? Read(select) : default;
        select.Reset();
        return found;
    }

    private static StagedRow Read(Statement select) => new(select.Long(0), select.Long(1), select.Long(2), !select.IsNull(3),
        !select.IsNull(4), select.Blob(5).ToArray());
}
