using Streams.Core;

namespace Streams.Cluster;

/// <summary>Where the nodes of a cluster agree: few small values under keys, changed by transactions that compare revisions, some of them
/// bound to leases, and watched. Two implementations keep one contract: a file for one node, etcd for many.</summary>
/// <remarks>Every method is safe for use by several threads. Reads are linearizable: they see every transaction that was done before they
/// began. Each change raises the revision of the whole store by one or more; a revision is never given twice. Expected
/// outcomes are values; <see cref="TryAgainException"/> means that the store cannot be reached (or is overloaded) now,
/// <see cref="ConfigurationException"/> that it refuses for a reason that a person must mend, <see cref="InvalidRequestException"/> that
/// a limit of <see cref="CatalogLimits"/> is not kept.</remarks>
public interface ICatalogStore : IAsyncDisposable
{
    /// <summary>What a key holds; <see langword="null"/> when it is not there.</summary>
    Task<CatalogEntry?> GetAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>All entries whose keys begin with <paramref name="prefix"/> (empty: all), as of one revision, in ordinal order of their
    /// keys. At most <see cref="CatalogLimits.MaxEntries"/>.</summary>
    Task<CatalogSnapshot> ListAsync(string prefix, CancellationToken cancellationToken = default);

    /// <summary>Does all writes if every condition holds, else none.</summary>
    /// <remarks>The outcome is certain: when the answer is lost, it is found out whether the transaction was done, and it is kept from
    /// being done later. Only when the store stays away is <see cref="TryAgainException"/> thrown without that being known; the next call
    /// of any method but a watch then finds it out first, so that what is read afterwards is the last word on it.</remarks>
    Task<CatalogOutcome> CommitAsync(CatalogTransaction transaction, CancellationToken cancellationToken = default);

    /// <summary>Opens a lease: the entries written under it are removed when it is not kept alive for as long as it lives. The store may
    /// grant a longer time than was asked for.</summary>
    Task<LeaseGrant> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default);

    /// <summary>Begins the time of a lease anew and gives it; <see langword="null"/> when the lease is over.</summary>
    Task<TimeSpan?> KeepAliveAsync(long lease, CancellationToken cancellationToken = default);

    /// <summary>Ends a lease now, with all its entries. One that is over already is no error.</summary>
    Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken = default);

    /// <summary>What is and what changes under a prefix, for ever: first all of it (<see cref="CatalogNewsKind.Snapshot"/>), then each
    /// change once and in order. A snapshot comes again when changes can no longer be told one by one; it replaces everything told before.
    /// </summary>
    /// <remarks>While the store is away nothing comes, and reading goes on by itself when it is back. While it is there something comes at
    /// least every renewal period (<see cref="CatalogNewsKind.Alive"/> when nothing changed), so that who hears nothing for longer knows
    /// that it is blind. Nothing is buffered: who reads slowly is told later. Ends by cancellation, or with
    /// <see cref="ConfigurationException"/>.</remarks>
    IAsyncEnumerable<CatalogNews> WatchAsync(string prefix, CancellationToken cancellationToken = default);
}
