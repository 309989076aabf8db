namespace Streams.Core;

/// <summary>A set of sequences kept as ranges that merge where they touch (rules R3, R17): normally one range, whatever the number of
/// events.</summary>
/// <remarks>Not safe for several threads. Finding is logarithmic in the number of ranges; adding at the end is constant.</remarks>
public sealed class SequenceRanges
{
    private readonly List<(long First, long Last)> _ranges = [];

    /// <summary>How many ranges the set has.</summary>
    public int Count => _ranges.Count;

    /// <summary>The ranges in rising order, both ends inclusive; they neither overlap nor touch.</summary>
    public IReadOnlyList<(long First, long Last)> Ranges => _ranges;

    /// <summary>Whether the sequence is in the set.</summary>
    public bool Contains(long sequence)
    {
        int at = FirstEndingAtOrBehind(sequence);
        return at < _ranges.Count && _ranges[at].First <= sequence;
    }

    /// <summary>Whether all sequences from <paramref name="first"/> to <paramref name="last"/> are in the set.</summary>
    public bool Covers(long first, long last)
    {
        int at = FirstEndingAtOrBehind(first);
        return at < _ranges.Count && _ranges[at].First <= first && _ranges[at].Last >= last;
    }

    /// <summary>Adds the sequences from <paramref name="first"/> to <paramref name="last"/>, both inclusive.</summary>
    public void Add(long first, long last)
    {
        if (last < first)
        {
            return;
        }

        int at = FirstEndingAtOrBehind(first == long.MinValue ? first : first - 1);
        int end = at;
        while (end < _ranges.Count && (last == long.MaxValue || _ranges[end].First <= last + 1))
        {
            first = Math.Min(first, _ranges[end].First);
            last = Math.Max(last, _ranges[end].Last);
            end++;
        }

        if (end == at)
        {
            _ranges.Insert(at, (first, last));
            return;
        }

        _ranges[at] = (first, last);
        _ranges.RemoveRange(at + 1, end - at - 1);
    }

    /// <summary>Takes the sequences from <paramref name="first"/> to <paramref name="last"/> out of the set.</summary>
    public void Remove(long first, long last)
    {
        for (int at = FirstEndingAtOrBehind(first); at < _ranges.Count && _ranges[at].First <= last;)
        {
            (long f, long l) = _ranges[at];
            if (f >= first && l <= last)
            {
                _ranges.RemoveAt(at);
            }
            else if (f >= first)
            {
                _ranges[at] = (last + 1, l);
            }
            else
            {
                _ranges[at++] = (f, first - 1);
                if (l > last)
                {
                    _ranges.Insert(at, (last + 1, l));
                }
            }
        }
    }

    private int FirstEndingAtOrBehind(long sequence)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_ranges[middle].Last < sequence)
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
