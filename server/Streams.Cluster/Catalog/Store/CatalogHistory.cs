namespace Streams.Cluster;

/// <summary>The last changes of a <see cref="FileCatalogStore"/>, for its watches. Not safe for use by several threads at once.</summary>
internal sealed class CatalogHistory(int capacity, long revision)
{
    private readonly Queue<CatalogChange> _changes = new();
    private long _forgotten = revision;

    /// <summary>Keeps a change, and forgets the oldest when there are too many.</summary>
    public void Add(CatalogChange change)
    {
        _changes.Enqueue(change);
        while (_changes.Count > capacity)
        {
            _forgotten = _changes.Dequeue().Revision;
        }
    }

    /// <summary>The changes behind a revision under a prefix, in order; <see langword="null"/> when some are forgotten.</summary>
    public IReadOnlyList<CatalogChange>? Behind(long revision, string prefix)
    {
        if (revision < _forgotten)
        {
            return null;
        }

        List<CatalogChange> found = [];
        foreach (CatalogChange change in _changes)
        {
            if (change.Revision > revision && change.Key.StartsWith(prefix, StringComparison.Ordinal))
            {
                found.Add(change);
            }
        }

        return found;
    }
}
