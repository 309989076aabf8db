namespace Streams.Client;

/// <summary>What became of a run of events of one partition.</summary>
/// <param name="First">First number.</param>
/// <param name="Last">Last number.</param>
/// <param name="Outcome">What became of them all.</param>
/// <param name="Start">What <paramref name="First"/> is now called, such as its offset; where they are called anything the others follow
/// it one by one. 0 when nothing is to
/// be said.</param>
/// <param name="Of">What <paramref name="Start"/> counts in, or why they failed.</param>
internal readonly record struct SettledRun(long First, long Last, PublishOutcome Outcome, long Start, object? Of)
{
    private bool Counts => Outcome is PublishOutcome.Stored or PublishOutcome.Waiting;

    /// <summary>What is called <see cref="Start"/> and counted on, of a number of this run.</summary>
    public long At(long number) => Counts ? Start + (number - First) : Start;

    /// <summary>The part of it from one number to another.</summary>
    public SettledRun Between(long first, long last) => this with { First = first, Last = last, Start = At(first) };

    /// <summary>Whether <paramref name="next"/> goes on where this ends, in every respect.</summary>
    public bool LeadsTo(in SettledRun next) => Last + 1 == next.First && Outcome == next.Outcome && Equals(Of, next.Of)
        && At(next.First) == next.Start;
}

/// <summary>What became of the events of one partition, as runs: constant memory, however many events there were. The lowest numbers are
/// forgotten first. Not safe for use by many threads.</summary>
internal sealed class SettledRuns
{
    private readonly List<SettledRun> _runs = [];        // in the order of their numbers, none overlaps another
    private int _start;                                  // those before it are forgotten
    private long _forgotten;

    /// <summary>Runs kept.</summary>
    public int Count => _runs.Count - _start;

    /// <summary>Adds what is not known yet of a run, and forgets the lowest while there are more than <paramref name="most"/>.</summary>
    public void Add(in SettledRun run, int most)
    {
        int at = IndexOf(run.First);
        for (long first = run.First; first <= run.Last; at++)
        {
            long last = at < _runs.Count ? Math.Min(run.Last, _runs[at].First - 1) : run.Last;
            if (first <= last)
            {
                at = Insert(at, run.Between(first, last));
            }

            first = _runs[at].Last + 1;                  // also behind what was told before
        }

        while (Count > most)
        {
            _forgotten = _runs[_start].Last;
            _runs[_start++] = default;
        }

        if (_start > Count && _start >= 16)
        {
            _runs.RemoveRange(0, _start);
            _start = 0;
        }
    }

    /// <summary>What became of an event; <see cref="PublishOutcome.Waiting"/> when nothing has yet,
    /// <see cref="PublishOutcome.Forgotten"/> when it is not known any more.</summary>
    public SettledRun Find(long number)
    {
        int at = IndexOf(number);
        return at < _runs.Count && _runs[at].First <= number ? _runs[at]
            : new SettledRun(number, number, number <= _forgotten ? PublishOutcome.Forgotten : PublishOutcome.Waiting, 0, null);
    }

    private int Insert(int at, in SettledRun run)
    {
        if (at > _start && _runs[at - 1].LeadsTo(run))
        {
            _runs[--at] = _runs[at] with { Last = run.Last };
        }
        else
        {
            _runs.Insert(at, run);
        }

        if (at + 1 < _runs.Count && _runs[at].LeadsTo(_runs[at + 1]))
        {
            _runs[at] = _runs[at] with { Last = _runs[at + 1].Last };
            _runs.RemoveAt(at + 1);
        }

        return at;
    }

    // The first run that ends at the number or behind it.
    private int IndexOf(long number)
    {
        int low = _start;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_runs[middle].Last < number)
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
