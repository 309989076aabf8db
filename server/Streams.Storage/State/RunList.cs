using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Sequences of one producer epoch at offsets of one lane. <see cref="MaxLast"/> is the greatest <see cref="Last"/> up to
/// here.</summary>
internal record struct PlacedSequences(long First, long Last, long FirstOffset, long MaxLast)
{
    public readonly long OffsetOf(long sequence) => FirstOffset + (sequence - First);
}

/// <summary>What one producer epoch has in one lane: runs ordered by sequence, each at consecutive offsets (rule R3). Runs merge only
/// where sequence and offset both go on; a sequence may stand twice (a batch that was held in part is appended whole, rule R6).</summary>
internal sealed class RunList
{
    private readonly List<PlacedSequences> _runs = new(1);

    public IReadOnlyList<PlacedSequences> Runs => _runs;

    /// <summary>Adds a run; false when all of it is here already, at the same offsets. <paramref name="changed"/> is the run it became
    /// part of.</summary>
    public bool Add(long first, long last, long firstOffset, out PlacedSequences changed)
    {
        changed = default;
        if (Contains(first, last, firstOffset))
        {
            return false;
        }

        changed = Absorb(first, last, firstOffset);
        int at = _runs.Count;
        while (at > 0 && (_runs[at - 1].First > changed.First
            || (_runs[at - 1].First == changed.First && _runs[at - 1].FirstOffset > changed.FirstOffset)))
        {
            at--;
        }

        _runs.Insert(at, changed);
        Span<PlacedSequences> runs = CollectionsMarshal.AsSpan(_runs);
        for (int i = at; i < runs.Length; i++)
        {
            runs[i].MaxLast = Math.Max(runs[i].Last, i == 0 ? 0 : runs[i - 1].MaxLast);
        }

        return true;
    }

    /// <summary>Whether all of a run is here, at the same offsets.</summary>
    public bool Contains(long first, long last, long firstOffset)
    {
        for (int i = FirstReaching(first); i < _runs.Count && _runs[i].First <= last; i++)
        {
            PlacedSequences run = _runs[i];
            if (run.First <= first && run.Last >= last && run.OffsetOf(first) == firstOffset)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The run that goes furthest on from <paramref name="sequence"/>.</summary>
    public bool TryFind(long sequence, out PlacedSequences found)
    {
        found = default;
        for (int i = FirstReaching(sequence); i < _runs.Count && _runs[i].First <= sequence; i++)
        {
            if (_runs[i].Last >= sequence && _runs[i].Last > found.Last)
            {
                found = _runs[i];
            }
        }

        return found.Last > 0;
    }

    /// <summary>The index of the first run that can reach as far as <paramref name="sequence"/>; look from there on.</summary>
    public int FirstReaching(long sequence)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_runs[middle].MaxLast < sequence)
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

    private PlacedSequences Absorb(long first, long last, long firstOffset)
    {
        PlacedSequences grown = new(first, last, firstOffset, 0);
        int lowest = _runs.Count;
        for (int i = _runs.Count - 1; i >= 0 && _runs[i].MaxLast >= grown.First - 1; i--)
        {
            PlacedSequences run = _runs[i];
            bool sameLine = run.FirstOffset - run.First == grown.FirstOffset - grown.First;
            if (sameLine && run.First <= grown.Last + 1 && run.Last >= grown.First - 1)
            {
                long start = Math.Min(run.First, grown.First);
                grown = new PlacedSequences(start, Math.Max(run.Last, grown.Last), grown.FirstOffset - (grown.First - start), 0);
                _runs.RemoveAt(i);
                lowest = i;
            }
        }

        for (int i = lowest; i < _runs.Count; i++)
        {
            _runs[i] = _runs[i] with { MaxLast = Math.Max(_runs[i].Last, i == 0 ? 0 : _runs[i - 1].MaxLast) };
        }

        return grown;
    }
}
