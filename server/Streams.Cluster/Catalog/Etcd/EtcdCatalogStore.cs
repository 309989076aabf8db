using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The catalog of a cluster of many nodes: etcd, by the HTTP/JSON gateway that each member of it has.</summary>
/// <remarks>Nothing is kept here but a token and the mark of the writer: see <see cref="EtcdWriter"/>. Calls go from member to member until
/// one serves, for as long as <see cref="EtcdOptions.CallTimeout"/>.</remarks>
public sealed class EtcdCatalogStore : ICatalogStore
{
    private const int PageEntries = 1000;
    private const int MaxListings = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly EtcdClient _client;
    private readonly EtcdKeys _keys;
    private readonly EtcdWriter _writer;

    private EtcdCatalogStore(EtcdOptions options, TimeProvider time, ILogger logger)
    {
        _client = new EtcdClient(options, time, logger);
        _keys = new EtcdKeys(options.Cluster);
        _writer = new EtcdWriter(_client, _keys, logger);
    }

    /// <summary>A client of etcd; nothing is asked yet.</summary>
    /// <exception cref="ConfigurationException">The options have faults; all are in the message.</exception>
    public static EtcdCatalogStore Open(EtcdOptions options, TimeProvider time, ILogger logger)
    {
        IReadOnlyList<string> faults = options.FindFaults();
        return faults.Count == 0
            ? new EtcdCatalogStore(options, time, logger)
            : throw new ConfigurationException(string.Join('\n', faults));
    }

    /// <inheritdoc/>
    public async Task<CatalogEntry?> GetAsync(string key, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckKey(key);
        await _writer.SettleAsync(cancellationToken).ConfigureAwait(false);
        EtcdRangeAnswer answer = await RangeAsync(new EtcdRange(_keys.Entry(key)), cancellationToken).ConfigureAwait(false);
        return answer.Kvs.Count == 0 ? null : _keys.Read(answer.Kvs[0]);
    }

    /// <inheritdoc/>
    public async Task<CatalogSnapshot> ListAsync(string prefix, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckPrefix(prefix);
        await _writer.SettleAsync(cancellationToken).ConfigureAwait(false);
        for (int listing = 1; ; listing++)
        {
            try
            {
                return await ListOnceAsync(_keys.Entry(prefix), cancellationToken).ConfigureAwait(false);
            }
            catch (EtcdFaultException fault) when (fault.Kind == EtcdFaultKind.Compacted)
            {
                if (listing == MaxListings)
                {
                    throw new TryAgainException("etcd compacts faster than its entries are listed: keep changes longer there", fault);
                }
            }
        }
    }

    /// <inheritdoc/>
    public Task<CatalogOutcome> CommitAsync(CatalogTransaction transaction, CancellationToken cancellationToken = default)
    {
        CatalogLimits.Check(transaction);
        return _writer.CommitAsync(transaction, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<LeaseGrant> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckTimeToLive(timeToLive);

        // A grant whose answer is lost leaves a lease that nobody keeps: it ends by itself.
        EtcdLease granted = await _client.AskAsync("v3/lease/grant", new EtcdLease { TimeToLive = (long)timeToLive.TotalSeconds },
            EtcdJson.Default.EtcdLease, EtcdJson.Default.EtcdLease, cancellationToken).ConfigureAwait(false);
        return new LeaseGrant(granted.Id, TimeSpan.FromSeconds(granted.TimeToLive));
    }

    /// <inheritdoc/>
    public async Task<TimeSpan?> KeepAliveAsync(long lease, CancellationToken cancellationToken = default)
    {
        EtcdLeaseAnswer answer = await _client.AskAsync("v3/lease/keepalive", new EtcdLease { Id = lease }, EtcdJson.Default.EtcdLease,
            EtcdJson.Default.EtcdLeaseAnswer, cancellationToken).ConfigureAwait(false);
        return answer.Result is { TimeToLive: > 0 } kept ? TimeSpan.FromSeconds(kept.TimeToLive) : null;
    }

    /// <inheritdoc/>
    public async Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken = default)
    {
        try
        {
            await _client.AskAsync("v3/lease/revoke", new EtcdLease { Id = lease }, EtcdJson.Default.EtcdLease, EtcdJson.Default.EtcdEmpty,
                cancellationToken).ConfigureAwait(false);
        }
        catch (EtcdFaultException fault) when (fault.Kind == EtcdFaultKind.LeaseNotFound)
        {
            // Over already.
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<CatalogNews> WatchAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckPrefix(prefix);
        EtcdWatcher watcher = new(_client, _keys, prefix);
        await using (watcher.ConfigureAwait(false))
        {
            while (true)
            {
                CatalogSnapshot all = await ListWhenThereAsync(prefix, cancellationToken).ConfigureAwait(false);
                watcher.Told = all.Revision;
                yield return new CatalogNews(CatalogNewsKind.Snapshot, all.Revision,
                    [.. all.Entries.Select(e => new CatalogChange(e.Key, e, e.Revision))]);
                while (await watcher.NextAsync(cancellationToken).ConfigureAwait(false) is { } news)
                {
                    yield return news;
                }
            }
        }
    }

    /// <summary>Closes the connections. Leases are left to themselves.</summary>
    public ValueTask DisposeAsync()
    {
        _writer.Dispose();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<CatalogSnapshot> ListOnceAsync(byte[] prefix, CancellationToken cancellationToken)
    {
        List<CatalogEntry> entries = [];
        byte[] from = prefix;
        byte[] end = EtcdKeys.End(prefix);
        long revision = 0;
        while (true)
        {
            EtcdRangeAnswer page = await RangeAsync(
                new EtcdRange(from) { RangeEnd = end, Limit = PageEntries, Revision = revision }, cancellationToken).ConfigureAwait(false);
            revision = revision == 0 ? page.Header!.Revision : revision;
            entries.AddRange(page.Kvs.Select(_keys.Read));
            if (!page.More)
            {
                return new CatalogSnapshot(revision, entries);
            }

            if (entries.Count >= CatalogLimits.MaxEntries)
            {
                throw new ConfigurationException($"the catalog has more than {CatalogLimits.MaxEntries} entries");
            }

            from = [.. page.Kvs[^1].Key, 0];
        }
    }

    private async Task<CatalogSnapshot> ListWhenThereAsync(string prefix, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await ListAsync(prefix, cancellationToken).ConfigureAwait(false);
            }
            catch (TryAgainException fault)
            {
                ClusterLog.WatchBroken(_client.Logger, prefix, 0, fault.Message);
            }

            await Task.Delay(Pause, _client.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<EtcdRangeAnswer> RangeAsync(EtcdRange range, CancellationToken cancellationToken) => _client.AskAsync(
        "v3/kv/range", range, EtcdJson.Default.EtcdRange, EtcdJson.Default.EtcdRangeAnswer, cancellationToken);
}
