using Streams.Core;

namespace Streams.Client;

/// <summary>Finds out from an outbox's file why an event is still there, or what became of it.</summary>
internal static class OutboxWhy
{
    /// <summary>The facts of an event; of all that may be meant when the name does not say the partition.</summary>
    public static IReadOnlyList<WhyFacts> Ask(OutboxReading reading, EventName name)
    {
        KeptEvents events = new(reading);
        if (name.Row is { } id)
        {
            return [Of(reading, events, id >> OutboxDatabase.SequenceBits, name.Sequence, $"row {id}")];
        }

        if (name.Epoch is { } epoch)
        {
            IReadOnlyList<KeptEvent> found = events.Find(epoch, name.Sequence);
            return found.Count > 0
                ? [.. found.Select(kept => Of(reading, events, kept.PartitionRow, kept.Sequence, kept.Name))]
                : Gone(reading, events, epoch, name.Sequence);
        }

        using Statement row = reading.Prepare("SELECT id FROM partitions WHERE stream=? AND partition=?");
        bool known = row.Bind(1, name.Partition!.Value.Stream.Value).Bind(2, name.Partition.Value.Partition.Value).Step();
        return [Of(reading, events, known ? row.Long(0) : 0, name.Sequence, $"{name.Partition}:{name.Sequence}")];
    }

    // The partitions whose sequence may have been given under the epoch: those that have come so far.
    private static List<WhyFacts> Gone(OutboxReading reading, KeptEvents events, ulong epoch, long sequence)
    {
        List<WhyFacts> may = [];
        using Statement select = reading.Prepare("SELECT partition FROM epochs WHERE epoch=? AND first<=? ORDER BY partition");
        select.Bind(1, unchecked((long)epoch)).Bind(2, sequence);
        while (select.Step())
        {
            WhyFacts facts = Of(reading, events, select.Long(0), sequence, $"row {OutboxDatabase.EventId(select.Long(0), sequence)}");
            if (facts.State == EventState.Confirmed)
            {
                may.Add(facts);
            }
        }

        return may.Count > 0 ? may : [Nothing($"{epoch:x16}:{sequence}", reading)];
    }

    private static WhyFacts Of(OutboxReading reading, KeptEvents events, long row, long sequence, string otherwise)
    {
        using Statement partition = reading.Prepare("SELECT next, events FROM partitions WHERE id=?");
        bool known = partition.Bind(1, row).Step();
        KeptEvent? kept = sequence > 0 ? events.Find(OutboxDatabase.EventId(row, sequence)) : null;
        if (!known && kept is null)
        {
            return Nothing(otherwise, reading);
        }

        long next = known ? partition.Long(0) : 0;
        string name = kept?.Name ?? (events.Partition(row) is { } of ? $"{of}:{sequence}" : otherwise);
        string? fault = kept is null || kept.Reason is not null ? null
            : !known ? $"its partition {row} is not in the file, so its stream is not known"
            : kept.Fault ?? (partition.Long(1) == 0 ? "the file's count says that no event of its partition waits"
            : EpochOf(reading, row, sequence) != kept.Epoch ? "the epochs kept do not cover it" : null);
        EventState state = kept is null ? sequence > 0 && sequence < next ? EventState.Confirmed : EventState.Unknown
            : kept.Reason is not null ? EventState.Refused : fault is not null ? EventState.Stuck : EventState.Waiting;

        (long ahead, long bytes, long first) = (0, 0, 0);
        if (kept is not null && state != EventState.Refused)
        {
            using Statement before = reading.Prepare("SELECT count(*), coalesce(sum(bytes), 0), min(id) FROM events WHERE id>=? AND id<?");
            before.Bind(1, OutboxDatabase.EventId(row, 0)).Bind(2, kept.Id).Step();
            (ahead, bytes, first) = (before.Long(0), before.Long(1), OutboxDatabase.SequenceOf(before.Long(2)));
        }

        return new WhyFacts(name, state, kept, next, ahead, bytes, first,
            reading.Scalar($"SELECT coalesce(sum(events), 0) FROM partitions WHERE id<>{row}"),
            reading.Scalar($"SELECT count(*) FROM refused WHERE id >> {OutboxDatabase.SequenceBits} = {row}"), Stand(reading, row),
            reading.Scalar("SELECT EXISTS(SELECT 1 FROM stand)") != 0, reading.IsInUse,
            kept is not null && reading.Scalar("SELECT epoch FROM openings ORDER BY at DESC LIMIT 1") == unchecked((long)kept.Epoch),
            fault);
    }

    private static WhyFacts Nothing(string name, OutboxReading reading) =>
        new(name, EventState.Unknown, null, 0, 0, 0, 0, 0, 0, [], false, reading.IsInUse, false, null);

    private static ulong? EpochOf(OutboxReading reading, long row, long sequence)
    {
        using Statement select = reading.Prepare("SELECT epoch FROM epochs WHERE partition=? AND first<=? ORDER BY first DESC LIMIT 1");
        return select.Bind(1, row).Bind(2, sequence).Step() ? unchecked((ulong)select.Long(0)) : null;
    }

    private static List<string> Stand(OutboxReading reading, long row)
    {
        List<string> places = [];
        using Statement select = reading.Prepare("SELECT origin, offset FROM stand WHERE partition=? ORDER BY turn");
        select.Bind(1, row);
        while (select.Step())
        {
            places.Add($"{select.Text(0)}:{select.Long(1)}");
        }

        return places;
    }
}
