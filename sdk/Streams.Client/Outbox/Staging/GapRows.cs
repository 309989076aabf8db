namespace Streams.Client;

/// <summary>A gap that is not sent yet.</summary>
/// <param name="Id">Where it stands: partition and number in the stage.</param>
/// <param name="Reason">Why.</param>
/// <param name="Events">How many events.</param>
/// <param name="First">The earliest time among them, in microseconds since 1970.</param>
/// <param name="Last">The latest.</param>
/// <param name="Topic">Their topic, or that of many.</param>
internal readonly record struct GapRow(long Id, GapReason Reason, long Events, long First, long Last, byte[] Topic)
{
    /// <summary>Bytes that it counts, in the stage and as an event.</summary>
    public long Bytes => Topic.Length + GapHeaders.MaxBytes + 64;
}

/// <summary>The gaps in the stage: one for each partition, topic and reason, whatever the number of events dropped. Used by the writer's
/// thread alone.</summary>
internal sealed class GapRows : IDisposable
{
    private readonly Statement _find;
    private readonly Statement _next;
    private readonly Statement _insert;
    private readonly Statement _update;
    private readonly Statement _delete;

    /// <summary>The statements of a database.</summary>
    public GapRows(OutboxDatabase database)
    {
        const string Columns = "SELECT id, reason, events, first, last, topic FROM gaps ";
        _find = database.Prepare(Columns + "WHERE slot=?");
        _next = database.Prepare(Columns + "WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1");
        _insert = database.Prepare("INSERT INTO gaps(id, slot, reason, events, first, last, topic) VALUES(?, ?, ?, ?, ?, ?, ?)");
        _update = database.Prepare("UPDATE gaps SET id=?, events=?, first=?, last=? WHERE id=?");
        _delete = database.Prepare("DELETE FROM gaps WHERE id=?");
        using Statement all = database.Prepare(Columns);
        while (all.Step())
        {
            Bytes += Read(all).Bytes;
        }
    }

    /// <summary>Bytes that all gaps count.</summary>
    public long Bytes { get; set; }

    /// <summary>The gap of a partition, topic and reason.</summary>
    public bool TryFind(long partition, GapReason reason, ReadOnlySpan<byte> topic, out GapRow gap)
    {
        _find.Bind(1, Slot(partition, reason, topic));
        try
        {
            while (_find.Step())
            {
                gap = Read(_find);
                if (gap.Id >> OutboxDatabase.SequenceBits == partition && gap.Reason == reason && topic.SequenceEqual(gap.Topic))
                {
                    return true;
                }
            }
        }
        finally
        {
            _find.Reset();
        }

        gap = default;
        return false;
    }

    /// <summary>The first gap of a partition.</summary>
    public bool TryNext(long partition, out GapRow gap)
    {
        bool found = _next.Bind(1, OutboxDatabase.EventId(partition, 0)).Bind(2, OutboxDatabase.EventId(partition + 1, 0) - 1).Step();
        gap = found ? Read(_next) : default;
        _next.Reset();
        return found;
    }

    /// <summary>A new gap.</summary>
    public void Insert(in GapRow gap)
    {
        Bytes += gap.Bytes;
        _insert.Bind(1, gap.Id).Bind(2, Slot(gap.Id >> OutboxDatabase.SequenceBits, gap.Reason, gap.Topic)).Bind(3, (long)gap.Reason)
            .Bind(4, gap.Events).Bind(5, gap.First).Bind(6, gap.Last).Bind(7, gap.Topic).Run();
    }

    /// <summary>More events fall into a gap; one that stood before the others moves it to its own place.</summary>
    public void Grow(in GapRow gap, long id, long at, long events = 1) => _update.Bind(1, Math.Min(gap.Id, id)).Bind(2, gap.Events + events)
        .Bind(3, Math.Min(gap.First, at)).Bind(4, Math.Max(gap.Last, at)).Bind(5, gap.Id).Run();

    /// <summary>The gap leaves the stage.</summary>
    public void Delete(in GapRow gap)
    {
        Bytes -= gap.Bytes;
        _delete.Bind(1, gap.Id).Run();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in new[] { _find, _next, _insert, _update, _delete })
        {
            statement.Dispose();
        }
    }

    private static GapRow Read(Statement row) => new(row.Long(0), (GapReason)row.Long(1), row.Long(2), row.Long(3), row.Long(4),
        row.Blob(5).ToArray());

    private static long Slot(long partition, GapReason reason, ReadOnlySpan<byte> topic) =>
        SlotHash.Of((partition << 2) | (long)reason, topic, default);      // four reasons
}

/// <summary>A number for a name, to look it up by. Two names may have the same: who looks compares.</summary>
internal static class SlotHash
{
    /// <summary>FNV-1a of 64 bits over a number and two names.</summary>
    public static long Of(long number, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key)
    {
        ulong hash = 14_695_981_039_346_656_037;
        for (int i = 0; i < sizeof(long); i++)
        {
            hash = Mix(hash, (byte)(number >> (8 * i)));
        }

        foreach (byte b in topic)
        {
            hash = Mix(hash, b);
        }

        hash = Mix(hash, 0);                              // a topic has no such byte
        foreach (byte b in key)
        {
            hash = Mix(hash, b);
        }

        return unchecked((long)hash);
    }

    private static ulong Mix(ulong hash, byte b) => unchecked((hash ^ b) * 1_099_511_628_211);
}
