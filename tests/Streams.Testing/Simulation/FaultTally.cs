namespace Streams.Testing;

/// <summary>What a simulation has met, by name: faults, rare ways, things counted. A fault that is never met tests nothing, so the tally is
/// part of the result.</summary>
public sealed class FaultTally
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>The counts by name.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    public long this[string what] => _counts.GetValueOrDefault(what);

    /// <summary>Something was met.</summary>
    public void Add(string what, long count = 1)
    {
        if (count != 0)
        {
            _counts[what] = _counts.GetValueOrDefault(what) + count;
        }
    }

    /// <summary>The highest of something.</summary>
    public void Highest(string what, long value) => _counts[what] = Math.Max(_counts.GetValueOrDefault(what), value);

    /// <summary>Adds what another run has met; names that begin with "most" keep the highest.</summary>
    public void Add(FaultTally other)
    {
        foreach ((string what, long count) in other._counts)
        {
            if (what.StartsWith("most ", StringComparison.Ordinal))
            {
                Highest(what, count);
            }
            else
            {
                Add(what, count);
            }
        }
    }
}
