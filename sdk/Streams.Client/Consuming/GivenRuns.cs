using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>What the application is done with of one producer's epoch in one partition: runs of sequences, normally one for each lane
/// they came from (rule R17).</summary>
/// <remarks>Pure. No bound in events. Where one producer shares a lane with others its offsets are not consecutive; up to 64 runs are
/// kept apart so that a rewind can forget
/// exactly what it must (R11), beyond that neighbours are merged and only the ends of their stretch are known.</remarks>
internal sealed class GivenRuns
{
    private const int MaxExactRuns = 64;
    private const int MaxRuns = 1 << 20;

    private readonly List<GivenRun> _runs = [];

    /// <summary>The runs in rising order of sequences; they do not overlap.</summary>
    public IReadOnlyList<GivenRun> Runs => _runs;

    /// <summary>Whether the sequence is among them.</summary>
    public bool Contains(long sequence)
    {
        int at = FirstEndingAtOrBehind(sequence);
        return at < _runs.Count && _runs[at].First <= sequence;
    }

    /// <summary>The first sequence among them at or behind one, or <see cref="long.MaxValue"/>.</summary>
    public long NextFrom(long sequence)
    {
        int at = FirstEndingAtOrBehind(sequence);
        return at == _runs.Count ? long.MaxValue : Math.Max(sequence, _runs[at].First);
    }

    /// <summary>The last sequence of the run that a sequence is in, which is among them.</summary>
    public long EndOf(long sequence) => _runs[FirstEndingAtOrBehind(sequence)].Last;

    /// <summary>Adds what is not there yet of <paramref name="run"/>; true when that was something.</summary>
    public bool Add(GivenRun run)
    {
        bool added = false;
        long next = run.First;
        while (next <= run.Last)
        {
            int at = FirstEndingAtOrBehind(next);
            if (at < _runs.Count && _runs[at].First <= next)
            {
                next = _runs[at].Last + 1;
                continue;
            }

            long last = at < _runs.Count ? Math.Min(run.Last, _runs[at].First - 1) : run.Last;
            Insert(at, run.Part(next, last));
            added = true;
            next = last + 1;
        }

        if (_runs.Count > MaxExactRuns)
        {
            MergeNeighbours();
        }

        return added;
    }

    /// <summary>Forgets what was given at or behind the positions of <paramref name="cursor"/> in the lanes it was given from (rule
    /// R11).</summary>
    public bool Forget(Cursor cursor)
    {
        bool changed = false;
        for (int i = _runs.Count - 1; i >= 0; i--)
        {
            bool left = _runs[i].TryForget(cursor[_runs[i].Origin].Value, out GivenRun rest);
            changed |= !left || rest != _runs[i];
            if (left)
            {
                _runs[i] = rest;
            }
            else
            {
                _runs.RemoveAt(i);
            }
        }

        return changed;
    }

    /// <summary>Writes the runs, for keeping.</summary>
    public byte[] Write()
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Varint((ulong)_runs.Count);
        foreach (GivenRun run in _runs)
        {
            writer.Varint((ulong)run.First);
            writer.Varint((ulong)(run.Last - run.First));
            writer.Origin(run.Origin);
            writer.Varint((ulong)run.FirstOffset);
            writer.Varint((ulong)(run.LastOffset - run.FirstOffset));
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidFormatException">The bytes are something else.</exception>
    public static GivenRuns Read(ReadOnlyMemory<byte> bytes)
    {
        ByteReader reader = new(bytes);
        GivenRuns runs = new();
        int count = (int)reader.Varint(MaxRuns);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            long first = reader.Varint(long.MaxValue);
            long last = first + reader.Varint(long.MaxValue - first);
            Origin origin = reader.Origin();
            long from = reader.Varint(long.MaxValue);
            runs._runs.Add(new GivenRun(first, last, origin, from, from + reader.Varint(long.MaxValue - from)));
        }

        return reader.AtEnd ? runs : throw new InvalidFormatException("given ranges: the kept bytes are damaged");
    }

    private void Insert(int at, GivenRun run)
    {
        if (at > 0 && Joins(_runs[at - 1], run))
        {
            run = _runs[at - 1] with { Last = run.Last, LastOffset = run.LastOffset };
            _runs.RemoveAt(--at);
        }

        if (at < _runs.Count && Joins(run, _runs[at]))
        {
            _runs[at] = run with { Last = _runs[at].Last, LastOffset = _runs[at].LastOffset };
        }
        else
        {
            _runs.Insert(at, run);
        }
    }

    private static bool Joins(GivenRun a, GivenRun b) => a.Last + 1 == b.First && a.Origin == b.Origin
        && ((a.IsDense && b.IsDense && a.LastOffset + 1 == b.FirstOffset)
            || (a.FirstOffset == b.FirstOffset && a.LastOffset == b.LastOffset));

    private void MergeNeighbours()
    {
        int kept = 0;
        int exact = _runs.Count / 2;                  // the latest half stays exact: rewinds go back a little more often than far
        for (int i = 1; i < _runs.Count; i++)
        {
            GivenRun before = _runs[kept];
            GivenRun run = _runs[i];
            if (i < exact && before.Last + 1 == run.First && before.Origin == run.Origin)
            {
                _runs[kept] = new GivenRun(before.First, run.Last, run.Origin, Math.Min(before.FirstOffset, run.FirstOffset),
                    Math.Max(before.LastOffset, run.LastOffset));
            }
            else
            {
                _runs[++kept] = run;
            }
        }

        _runs.RemoveRange(kept + 1, _runs.Count - kept - 1);
    }

    private int FirstEndingAtOrBehind(long sequence)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_runs[middle].Last < sequence)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
