namespace Streams.Cluster;

/// <summary>In which epoch each record of a log was numbered, as runs: epochs and numbers only rise. Two logs in which a number has the
/// same epoch are the same up to there.</summary>
public sealed class EpochTable
{
    private readonly List<(long Epoch, long First)> _runs;

    /// <summary>An empty table.</summary>
    public EpochTable() => _runs = [];

    private EpochTable(List<(long Epoch, long First)> runs) => _runs = runs;

    /// <summary>The runs: the epoch, and the first number in it.</summary>
    public IReadOnlyList<(long Epoch, long First)> Runs => _runs;

    /// <summary>A table of these runs.</summary>
    /// <exception cref="ArgumentException">Epochs or numbers do not rise.</exception>
    public static EpochTable Of(IEnumerable<(long Epoch, long First)> runs)
    {
        EpochTable table = new();
        foreach ((long epoch, long first) in runs)
        {
            if (first < 1 || (table._runs.Count > 0 && (epoch <= table._runs[^1].Epoch || first <= table._runs[^1].First)))
            {
                throw new ArgumentException($"epochs and numbers must rise: epoch {epoch} from {first}");
            }

            table._runs.Add((epoch, first));
        }

        return table;
    }

    /// <summary>A copy.</summary>
    public EpochTable Copy() => new([.. _runs]);

    /// <summary>The epoch of a record, which must be in the log; 0 for number 0, which stands before all.</summary>
    public long EpochOf(long number)
    {
        int at = IndexOf(number);
        return at < 0 ? 0 : _runs[at].Epoch;
    }

    /// <summary>The last number of the run in which a number is, in a log that ends with <paramref name="last"/>.</summary>
    public long RunEnd(long number, long last)
    {
        int at = IndexOf(number);
        return at + 1 < _runs.Count ? Math.Min(last, _runs[at + 1].First - 1) : last;
    }

    /// <summary>Records are added from a number on.</summary>
    public void Add(long epoch, long first)
    {
        if (_runs.Count == 0 || _runs[^1].Epoch < epoch)
        {
            _runs.Add((epoch, first));
        }
    }

    /// <summary>Nothing behind a number stays.</summary>
    public void CutAfter(long last)
    {
        while (_runs.Count > 0 && _runs[^1].First > last)
        {
            _runs.RemoveAt(_runs.Count - 1);
        }
    }

    /// <summary>The last number up to which two logs are the same.</summary>
    public long CommonWith(EpochTable other, long last, long otherLast)
    {
        int mine = _runs.Count - 1;
        int others = other._runs.Count - 1;
        while (mine >= 0 && others >= 0)
        {
            if (_runs[mine].Epoch == other._runs[others].Epoch)
            {
                return Math.Min(RunEnd(_runs[mine].First, last), other.RunEnd(other._runs[others].First, otherLast));
            }

            if (_runs[mine].Epoch > other._runs[others].Epoch)
            {
                mine--;
            }
            else
            {
                others--;
            }
        }

        return 0;
    }

    private int IndexOf(long number)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_runs[middle].First <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
