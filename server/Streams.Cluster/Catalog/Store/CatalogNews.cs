namespace Streams.Cluster;

/// <summary>What a watch tells at once.</summary>
public enum CatalogNewsKind
{
    /// <summary>All that is there; it replaces everything told before.</summary>
    Snapshot,

    /// <summary>What changed, in order.</summary>
    Changes,

    /// <summary>Nothing changed; the store was reached a moment ago.</summary>
    Alive,
}

/// <summary>What a watch tells at once.</summary>
/// <param name="Kind">How to read it.</param>
/// <param name="Revision">Everything up to this revision of the store has been told.</param>
/// <param name="Changes">Of a snapshot all entries, of changes each in order; empty when alive.</param>
public sealed record CatalogNews(CatalogNewsKind Kind, long Revision, IReadOnlyList<CatalogChange> Changes);

/// <summary>What became of a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Entry">What it holds now; <see langword="null"/> when it was removed, by a transaction or by the end of its lease.</param>
/// <param name="Revision">The revision that did it.</param>
public readonly record struct CatalogChange(string Key, CatalogEntry? Entry, long Revision);
