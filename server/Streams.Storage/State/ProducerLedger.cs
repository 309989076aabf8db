using Streams.Core;

namespace Streams.Storage;

/// <summary>Which sequences of which producers stand where (rules R1, R3, R7, R8, R18), over all lanes. It indexes every batch, whether
/// its producer marked it or not, so no twin goes unseen.</summary>
/// <remarks>Not safe for several threads. Runs of entries that retention removed stay: they are held, and ground for skipping a twin
/// (rule R8).</remarks>
internal sealed class ProducerLedger
{
    private readonly Dictionary<(StreamPartition Partition, ProducerId Producer), List<Line>> _lines = [];

    /// <summary>A producer's runs of one epoch in one lane.</summary>
    internal readonly record struct Line(ulong Epoch, Origin Origin, RunList Runs);

    public int Producers => _lines.Count;

    /// <summary>Adds a run; false when it was here.</summary>
    public bool Add(StreamPartition partition, HeldRun held, out HeldRun changed)
    {
        changed = held;
        if (!_lines.TryGetValue((partition, held.Run.Producer), out List<Line>? lines))
        {
            _lines[(partition, held.Run.Producer)] = lines = new List<Line>(1);
        }

        RunList? runs = Find(lines, held.Run.Epoch, held.Origin);
        if (runs is null)
        {
            runs = new RunList();
            lines.Add(new Line(held.Run.Epoch, held.Origin, runs));
        }

        if (!runs.Add(held.Run.First, held.Run.Last, held.FirstOffset.Value, out PlacedSequences grown))
        {
            return false;
        }

        changed = new HeldRun(held.Run with { First = grown.First, Last = grown.Last }, held.Origin, new Offset(grown.FirstOffset));
        return true;
    }

    /// <summary>All runs of a producer that end at or behind <paramref name="from"/> (rule R3: over all lanes and epochs).</summary>
    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from)
    {
        if (!_lines.TryGetValue((partition, producer), out List<Line>? lines))
        {
            return [];
        }

        List<HeldRun> held = [];
        foreach (Line line in lines)
        {
            for (int i = line.Runs.FirstReaching(from); i < line.Runs.Runs.Count; i++)
            {
                PlacedSequences run = line.Runs.Runs[i];
                if (run.Last >= from)
                {
                    held.Add(new HeldRun(new SequenceRun(producer, line.Epoch, run.First, run.Last), line.Origin,
                        new Offset(run.FirstOffset)));
                }
            }
        }

        return held;
    }

    /// <summary>Copies of these events in other lanes (rule R10), cut to the run asked for.</summary>
    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except)
    {
        if (!_lines.TryGetValue((partition, run.Producer), out List<Line>? lines) || (lines.Count == 1 && lines[0].Origin == except))
        {
            return [];
        }

        List<HeldRun>? copies = null;
        foreach (Line line in lines)
        {
            if (line.Epoch != run.Epoch || line.Origin == except)
            {
                continue;
            }

            IReadOnlyList<PlacedSequences> runs = line.Runs.Runs;
            for (int i = line.Runs.FirstReaching(run.First); i < runs.Count && runs[i].First <= run.Last; i++)
            {
                long first = Math.Max(run.First, runs[i].First);
                long last = Math.Min(run.Last, runs[i].Last);
                if (first <= last)
                {
                    (copies ??= []).Add(new HeldRun(run with { First = first, Last = last }, line.Origin,
                        new Offset(runs[i].OffsetOf(first))));
                }
            }
        }

        return (IReadOnlyList<HeldRun>?)copies ?? [];
    }

    /// <summary>The runs of one epoch in one lane, or <see langword="null"/>.</summary>
    public RunList? Runs(StreamPartition partition, ProducerId producer, ulong epoch, Origin origin) =>
        _lines.TryGetValue((partition, producer), out List<Line>? lines) ? Find(lines, epoch, origin) : null;

    /// <summary>Everything.</summary>
    public IEnumerable<(StreamPartition Partition, HeldRun Run)> All()
    {
        foreach (((StreamPartition partition, ProducerId producer), List<Line> lines) in _lines)
        {
            foreach (Line line in lines)
            {
                foreach (PlacedSequences run in line.Runs.Runs)
                {
                    yield return (partition, new HeldRun(new SequenceRun(producer, line.Epoch, run.First, run.Last), line.Origin,
                        new Offset(run.FirstOffset)));
                }
            }
        }
    }

    public void Clear() => _lines.Clear();

    private static RunList? Find(List<Line> lines, ulong epoch, Origin origin)
    {
        foreach (Line line in lines)
        {
            if (line.Epoch == epoch && line.Origin == origin)
            {
                return line.Runs;
            }
        }

        return null;
    }
}
