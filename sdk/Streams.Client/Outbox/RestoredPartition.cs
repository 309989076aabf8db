using Streams.Core;

namespace Streams.Client;

/// <summary>What an outbox held of one partition when it was opened.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Highest">The last sequence given, or 0.</param>
/// <param name="Waiting">What waits, in rising order, each run of one epoch.</param>
/// <param name="Stand">Where earlier events stand (rule R5), the latest learnt last.</param>
internal sealed record RestoredPartition(StreamPartition Partition, long Highest,
    IReadOnlyList<(ulong Epoch, long First, long Last)> Waiting,
    IReadOnlyList<EventPlace> Stand)
{
    /// <summary>Reads all partitions. Events themselves are only looked at where something was confirmed out of order.</summary>
    public static List<RestoredPartition> Load(OutboxDatabase database, PartitionTable table)
    {
        using Statement ends = database.Prepare("SELECT min(id), max(id) FROM events WHERE id BETWEEN ? AND ?");
        using Statement ids = database.Prepare("SELECT id FROM events WHERE id BETWEEN ? AND ? ORDER BY id");
        using Statement epochs = database.Prepare("SELECT first, epoch FROM epochs WHERE partition=? ORDER BY first");
        using Statement stand = database.Prepare("SELECT origin, offset FROM stand WHERE partition=? ORDER BY turn");
        List<RestoredPartition> restored = [];
        foreach (PartitionRow row in table.Rows.OrderBy(static r => r.Id))
        {
            List<EventPlace> places = [];
            stand.Bind(1, row.Id);
            while (stand.Step())
            {
                places.Add(new EventPlace(Origin.Parse(stand.Text(0)), new Offset(stand.Long(1))));
            }

            stand.Reset();
            restored.Add(new RestoredPartition(row.Partition, row.Next - 1, row.Events == 0 ? [] : Runs(row, ends, ids, epochs), places));
        }

        return restored;
    }

    private static List<(ulong Epoch, long First, long Last)> Runs(PartitionRow row, Statement ends, Statement ids, Statement epochs)
    {
        SequenceRanges waiting = new();
        long from = OutboxDatabase.EventId(row.Id, 0);
        long to = OutboxDatabase.EventId(row.Id + 1, 0) - 1;
        ends.Bind(1, from).Bind(2, to).Step();
        (long min, long max) = (OutboxDatabase.SequenceOf(ends.Long(0)), OutboxDatabase.SequenceOf(ends.Long(1)));
        ends.Reset();
        if (max - min + 1 == row.Events)
        {
            waiting.Add(min, max);
        }
        else
        {
            ids.Bind(1, from).Bind(2, to);
            while (ids.Step())
            {
                long sequence = OutboxDatabase.SequenceOf(ids.Long(0));
                waiting.Add(sequence, sequence);
            }

            ids.Reset();
        }

        List<(long First, ulong Epoch)> starts = [];
        epochs.Bind(1, row.Id);
        while (epochs.Step())
        {
            starts.Add((epochs.Long(0), unchecked((ulong)epochs.Long(1))));
        }

        epochs.Reset();
        return Split(waiting, starts);
    }

    private static List<(ulong Epoch, long First, long Last)> Split(SequenceRanges waiting, List<(long First, ulong Epoch)> starts)
    {
        List<(ulong, long, long)> runs = [];
        foreach ((long first, long last) in waiting.Ranges)
        {
            for (int i = 0; i < starts.Count; i++)
            {
                long f = Math.Max(first, starts[i].First);
                long l = Math.Min(last, i + 1 < starts.Count ? starts[i + 1].First - 1 : long.MaxValue);
                if (f <= l)
                {
                    runs.Add((starts[i].Epoch, f, l));
                }
            }
        }

        return runs;
    }
}
