namespace Streams.Cluster;

/// <summary>The leases of a <see cref="FileCatalogStore"/>: they end with the process. Not safe for use by several threads at
/// once.</summary>
internal sealed class FileLeases(TimeProvider time, long opening)
{
    /// <summary>Leases of one process: a node has one, tests a few.</summary>
    private const int MaxLeases = 10_000;

    private readonly Dictionary<long, (TimeSpan TimeToLive, long KeptAt)> _leases = [];
    private long _last = opening << 32;

    /// <summary>When the next one ends if nothing keeps it; <see langword="null"/> when there is none.</summary>
    public TimeSpan? Next
    {
        get
        {
            TimeSpan? next = null;
            foreach ((TimeSpan timeToLive, long keptAt) in _leases.Values)
            {
                TimeSpan left = timeToLive - time.GetElapsedTime(keptAt);
                next = next is null || left < next ? left : next;
            }

            return next is { } span && span < TimeSpan.Zero ? TimeSpan.Zero : next;
        }
    }

    /// <summary>Opens one; <see langword="null"/> when there are too many.</summary>
    public LeaseGrant? Grant(TimeSpan timeToLive)
    {
        if (_leases.Count == MaxLeases)
        {
            return null;
        }

        _leases.Add(++_last, (timeToLive, time.GetTimestamp()));
        return new LeaseGrant(_last, timeToLive);
    }

    public bool IsAlive(long lease) =>
        _leases.TryGetValue(lease, out (TimeSpan TimeToLive, long KeptAt) held) && time.GetElapsedTime(held.KeptAt) < held.TimeToLive;

    public TimeSpan? Keep(long lease)
    {
        if (!IsAlive(lease))
        {
            return null;
        }

        TimeSpan timeToLive = _leases[lease].TimeToLive;
        _leases[lease] = (timeToLive, time.GetTimestamp());
        return timeToLive;
    }

    /// <summary>Those whose time is over, until they are removed.</summary>
    public List<long> Over()
    {
        List<long> over = [];
        foreach (long lease in _leases.Keys)
        {
            if (!IsAlive(lease))
            {
                over.Add(lease);
            }
        }

        return over;
    }

    public void Remove(long lease) => _leases.Remove(lease);
}
