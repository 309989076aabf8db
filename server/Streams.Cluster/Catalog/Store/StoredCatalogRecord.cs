namespace Streams.Cluster;

/// <summary>The file of a <see cref="FileCatalogStore"/>.</summary>
/// <param name="Revision">The last revision given.</param>
/// <param name="Openings">How often the file was opened: no lease of one opening is one of another.</param>
/// <param name="Entries">Everything that is there.</param>
internal sealed record StoredCatalogRecord(long Revision, long Openings, IReadOnlyList<StoredCatalogEntry> Entries) : SealedRecord;

/// <summary>One value in the file.</summary>
internal sealed record StoredCatalogEntry(string Key, byte[] Value, long Revision, long Lease);
