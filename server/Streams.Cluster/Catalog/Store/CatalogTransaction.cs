namespace Streams.Cluster;

/// <summary>A key must have been written last by this revision; 0: must not be there.</summary>
public readonly record struct CatalogCondition(string Key, long Revision);

/// <summary>What becomes of a key.</summary>
/// <param name="Key">The key, in one write of a transaction at most.</param>
/// <param name="Value">Its new value; <see langword="null"/> removes it.</param>
/// <param name="Lease">The lease that the entry ends with; 0 none.</param>
public readonly record struct CatalogWrite(string Key, ReadOnlyMemory<byte>? Value, long Lease = 0);

/// <summary>Writes that are all done when all conditions hold, else none.</summary>
public sealed record CatalogTransaction(IReadOnlyList<CatalogCondition> Conditions, IReadOnlyList<CatalogWrite> Writes)
{
    /// <summary>Writes one key if it was last written by <paramref name="revision"/>; 0: if it is not there.</summary>
    public static CatalogTransaction Put(string key, ReadOnlyMemory<byte> value, long revision, long lease = 0) =>
        new([new CatalogCondition(key, revision)], [new CatalogWrite(key, value, lease)]);

    /// <summary>Removes one key if it was last written by <paramref name="revision"/>.</summary>
    public static CatalogTransaction Delete(string key, long revision) =>
        new([new CatalogCondition(key, revision)], [new CatalogWrite(key, null)]);
}

/// <summary>What became of a transaction.</summary>
/// <param name="Verdict">Whether it was done, or why not.</param>
/// <param name="Revision">Done: the revision of the entries that it wrote. Else one of the store's at which a condition did not
/// hold.</param>
public readonly record struct CatalogOutcome(CatalogVerdict Verdict, long Revision)
{
    /// <summary>Whether all of it was done.</summary>
    public bool IsDone => Verdict == CatalogVerdict.Done;
}

/// <summary>What became of a transaction.</summary>
public enum CatalogVerdict
{
    /// <summary>All writes were done, at one revision.</summary>
    Done,

    /// <summary>A condition did not hold: read again and decide again.</summary>
    ConditionFailed,

    /// <summary>A write named a lease that is over.</summary>
    LeaseOver,
}
