using Streams.Core;

namespace Streams.Client;

/// <summary>Reads the events of an outbox's file in rising order of rows, some at a time, so that a client that uses the file is not held
/// up. Memory does not grow with the file.</summary>
/// <param name="reading">The file.</param>
/// <param name="opener">Opens what is sealed, where the keys are known.</param>
internal sealed class KeptEvents(OutboxReading reading, RowOpener? opener = null)
{
    private const int MaxRows = 256;
    private const long MaxBytes = 4 << 20;

    private readonly Dictionary<long, StreamPartition?> _partitions = [];

    /// <summary>What waits.</summary>
    public IEnumerable<KeptEvent> Waiting() => All("events", "NULL");

    /// <summary>What was refused.</summary>
    public IEnumerable<KeptEvent> Refused() => All("refused", "reason");

    /// <summary>The event of a row, waiting or refused.</summary>
    public KeptEvent? Find(long id)
    {
        foreach ((string table, string reason) in new[] { ("events", "NULL"), ("refused", "reason") })
        {
            using Statement select = reading.Prepare($"{Columns(table, reason)} WHERE id=?");
            if (select.Bind(1, id).Step())
            {
                return Row(select);
            }
        }

        return null;
    }

    /// <summary>The rows of a partition's events that have this sequence and epoch, whatever the partition.</summary>
    public IReadOnlyList<KeptEvent> Find(ulong epoch, long sequence)
    {
        List<KeptEvent> found = [];
        using Statement ids = reading.Prepare("SELECT id FROM partitions ORDER BY id");
        while (ids.Step())
        {
            if (Find(OutboxDatabase.EventId(ids.Long(0), sequence)) is { } kept && kept.Epoch == epoch)
            {
                found.Add(kept);
            }
        }

        return found;
    }

    /// <summary>The partition of a row number, or <see langword="null"/> when the file does not have it, or not in a readable
    /// form.</summary>
    public StreamPartition? Partition(long row)
    {
        if (!_partitions.TryGetValue(row, out StreamPartition? partition))
        {
            using Statement select = reading.Prepare("SELECT stream, partition FROM partitions WHERE id=?");
            partition = select.Bind(1, row).Step() && StreamPath.TryParse(select.Text(0), out StreamPath stream, out _)
                && select.Long(1) is >= 0 and < PartitionId.MaxCount and var number
                ? new StreamPartition(stream, new PartitionId((int)number)) : null;
            _partitions.Add(row, partition);
        }

        return partition;
    }

    private string Columns(string table, string reason) =>
        $"SELECT id, epoch, at, bytes, topic, key, headers, payload, {reason}, {(reading.Format > 1 ? "crc" : "NULL")},"
        + $" {(reading.Format > 3 ? "seal" : "NULL")} FROM {table}";

    private IEnumerable<KeptEvent> All(string table, string reason)
    {
        List<KeptEvent> some = [];
        long behind = long.MinValue;
        bool more = true;
        while (more)
        {
            some.Clear();
            more = ReadSome(table, reason, behind, some);
            foreach (KeptEvent kept in some)
            {
                yield return kept;
                behind = kept.Id;
            }
        }
    }

    private bool ReadSome(string table, string reason, long behind, List<KeptEvent> some)
    {
        long bytes = 0;
        using Statement select = reading.Prepare($"{Columns(table, reason)} WHERE id>? ORDER BY id");
        select.Bind(1, behind);
        while (select.Step())
        {
            KeptEvent row = Row(select);
            some.Add(row);
            bytes += row.Payload.Length + row.Key.Length + row.Headers.Length;
            if (some.Count == MaxRows || bytes >= MaxBytes)
            {
                return true;
            }
        }

        return false;
    }

    private KeptEvent Row(Statement row)
    {
        KeptEvent kept = Stored(row);
        return opener is not null && kept is { Seal: { } seal, IsDamaged: false }
            && opener.TryOpen(seal, kept.AtMicroseconds, kept.Topic, kept.Payload, out OpenedRow opened)
            ? kept with
            {
                Opened = new PlainEvent(kept.Topic, opened.Key.ToArray(), opened.Headers.ToArray(), opened.Payload.ToArray(),
                    kept.AtMicroseconds),
            }
            : kept;
    }

    private KeptEvent Stored(Statement row) => new(row.Long(0), Partition(row.Long(0) >> OutboxDatabase.SequenceBits),
        unchecked((ulong)row.Long(1)), row.Long(2), row.Long(3), row.Blob(4).ToArray(), row.Blob(5).ToArray(), row.Blob(6).ToArray(),
        row.Blob(7).ToArray(), row.Text(8) is { Length: > 0 } why ? why : null, row.IsNull(9) ? null : row.Long(9),
        row.IsNull(10) ? null : row.Long(10));
}
