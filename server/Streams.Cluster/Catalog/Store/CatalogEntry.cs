namespace Streams.Cluster;

/// <summary>One value of the catalog.</summary>
/// <param name="Key">Printable ASCII, see <see cref="CatalogLimits"/>.</param>
/// <param name="Value">Opaque here; JSON by use.</param>
/// <param name="Revision">The revision of the store that wrote it last: what a <see cref="CatalogCondition"/> compares.</param>
/// <param name="Lease">The lease that it ends with; 0 none.</param>
public sealed record CatalogEntry(string Key, ReadOnlyMemory<byte> Value, long Revision, long Lease = 0);

/// <summary>Entries as of one revision of the store, in ordinal order of their keys.</summary>
public sealed record CatalogSnapshot(long Revision, IReadOnlyList<CatalogEntry> Entries);

/// <summary>A lease as it was granted.</summary>
/// <param name="Id">Its number, never 0.</param>
/// <param name="TimeToLive">How long it lives from each keeping alive on.</param>
public readonly record struct LeaseGrant(long Id, TimeSpan TimeToLive);
