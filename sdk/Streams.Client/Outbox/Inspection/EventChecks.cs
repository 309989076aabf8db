using Streams.Core;

namespace Streams.Client;

/// <summary>Looks at each event of an outbox's file, waiting or refused, by itself.</summary>
internal sealed class EventChecks(OutboxReading reading, Action<string, string, string, bool> found)
{
    private readonly Dictionary<long, bool> _partitions = [];

    /// <summary>Looks at all of them; gives how many there were.</summary>
    public long Run(CancellationToken cancellationToken)
    {
        KeptEvents events = new(reading);
        long seen = 0;
        foreach (KeptEvent kept in events.Waiting())
        {
            cancellationToken.ThrowIfCancellationRequested();
            Check("events", kept);
            seen++;
        }

        foreach (KeptEvent kept in events.Refused())
        {
            cancellationToken.ThrowIfCancellationRequested();
            Check("refused", kept);
            seen++;
        }

        using Statement twice = reading.Prepare("SELECT count(*), min(events.id) FROM events JOIN refused ON refused.id=events.id");
        if (twice.Step() && twice.Long(0) > 0)
        {
            found("event-twice", $"events {twice.Long(1)}", $"{twice.Long(0)} events wait and are refused as well", false);
        }

        return seen;
    }

    private void Check(string table, KeptEvent kept)
    {
        string place = $"{table} {kept.Id} ({kept.Name})";
        if (kept.Sequence == 0)
        {
            found("event-number", place, "its sequence is 0: sequences begin with 1", false);
        }

        if (!HasPartition(kept.PartitionRow))
        {
            found("event-orphan", place,
                $"its partition {kept.PartitionRow} is not in the file, so its stream is not known: it is never sent", false);
        }

        if (kept.IsDamaged)
        {
            found("event-damaged", place, table == "events"
                ? "its row does not match its checksum: the client gives it up when its turn comes, and the stream tells"
                : "its row does not match its checksum: it cannot be published again", false);
        }

        if (table == "refused")
        {
            return;                                            // what was refused need not make sense
        }

        if (kept.ContentFault is { } fault)
        {
            found("event-unreadable", place, $"{fault}: no cluster can store it", true);
        }

        long counts = PendingPublish.SizeOf(new PlainEvent(kept.Topic, kept.Key, kept.Headers, kept.Payload, kept.AtMicroseconds));
        if (kept.CountedBytes != counts)
        {
            found("event-size", place, $"counts {kept.CountedBytes} bytes, has {counts}", true);
        }

        if (!KeptTime.IsWithin(kept.AtMicroseconds))
        {
            found("event-time", place, $"its time ({kept.AtMicroseconds} microseconds) is in no calendar", false);
        }
    }

    private bool HasPartition(long row)
    {
        if (!_partitions.TryGetValue(row, out bool has))
        {
            using Statement select = reading.Prepare("SELECT 1 FROM partitions WHERE id=?");
            has = select.Bind(1, row).Step();
            _partitions.Add(row, has);
        }

        return has;
    }
}
