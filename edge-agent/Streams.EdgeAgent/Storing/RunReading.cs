using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Reading where the sequences of producers stand.</summary>
internal static class RunReading
{
    /// <summary>All runs of a producer that end at or behind a sequence (rule R3: over all lanes and epochs).</summary>
    public static IReadOnlyList<HeldRun> Held(LocalConnection db, ProducerId producer, LaneRow[] lanes, long from)
    {
        List<HeldRun> held = [];
        Span<byte> id = stackalloc byte[ProducerId.Size];
        producer.Write(id);
        foreach (LaneRow lane in lanes)
        {
            Statement select = db.Use("SELECT epoch, first, last, offset FROM runs WHERE producer=?1 AND lane=?2 AND last>=?3")
                .Bind(1, id).Bind(2, lane.Row).Bind(3, from);
            while (select.Step())
            {
                held.Add(new HeldRun(new SequenceRun(producer, unchecked((ulong)select.Long(0)), select.Long(1), select.Long(2)),
                    lane.Lane.Origin, new Offset(select.Long(3))));
            }

            select.Reset();
        }

        return held;
    }

    /// <summary>Copies of these events in other lanes (rule R10), cut to the run asked for.</summary>
    public static IReadOnlyList<HeldRun> Copies(LocalConnection db, SequenceRun run, LaneRow[] lanes, Origin except)
    {
        List<HeldRun>? copies = null;
        Span<byte> id = stackalloc byte[ProducerId.Size];
        run.Producer.Write(id);
        foreach (LaneRow lane in lanes)
        {
            if (lane.Lane.Origin == except)
            {
                continue;
            }

            Statement select = db.Use("SELECT first, last, offset FROM runs WHERE producer=?1 AND lane=?2 AND epoch=?3 AND first<=?4"
                    + " AND last>=?5")
                .Bind(1, id).Bind(2, lane.Row).Bind(3, unchecked((long)run.Epoch)).Bind(4, run.Last).Bind(5, run.First);
            while (select.Step())
            {
                long first = Math.Max(run.First, select.Long(0));
                long last = Math.Min(run.Last, select.Long(1));
                (copies ??= []).Add(new HeldRun(run with { First = first, Last = last }, lane.Lane.Origin,
                    new Offset(select.Long(2) + (first - select.Long(0)))));
            }

            select.Reset();
        }

        return (IReadOnlyList<HeldRun>?)copies ?? [];
    }
}
