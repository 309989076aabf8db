using Streams.Core;

namespace Streams.Cluster;

/// <summary>A watch that outlives its connections: it goes on behind the last revision told, at the member that serves.</summary>
/// <remarks>A connection that is silent for the renewal period is not believed but made anew; a member without a leader refuses. Changes
/// are
/// told when all pieces of a message are there, so that going on never loses half a revision. Not safe for use by several threads at
/// once.</remarks>
internal sealed class EtcdWatcher(EtcdClient client, EtcdKeys keys, string prefix) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly byte[] _prefix = keys.Entry(prefix);
    private EtcdWatchStream? _stream;
    private bool _isCreated;
    private bool _isDenied;
    private int _member;

    /// <summary>The last revision told.</summary>
    public long Told { get; set; }

    /// <summary>The next news; <see langword="null"/>: changes are compacted, read everything and set <see cref="Told"/>.</summary>
    /// <exception cref="ConfigurationException">Etcd refuses for good.</exception>
    public async Task<CatalogNews?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                EtcdWatchStream stream = _stream ??= await OpenAsync(cancellationToken).ConfigureAwait(false);
                TimeSpan limit = _isCreated ? client.Options.WatchRenewal : client.Options.AttemptTimeout;
                if (await ReadAsync(stream, limit, cancellationToken).ConfigureAwait(false) is { } news)
                {
                    return news;
                }
            }
            catch (EtcdFaultException fault)
            {
                await CloseAsync().ConfigureAwait(false);
                if (fault.Kind == EtcdFaultKind.Compacted)
                {
                    ClusterLog.WatchCompacted(client.Logger, prefix, Told);
                    return null;
                }

                await GoOnAsync(fault, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async Task<EtcdWatchStream> OpenAsync(CancellationToken cancellationToken)
    {
        _member = client.Current;
        Uri endpoint = client.Options.Endpoints[_member];
        await client.LogInAsync(endpoint, cancellationToken).ConfigureAwait(false);
        EtcdWatchCreate create = new(_prefix, EtcdKeys.End(_prefix), Told + 1);
        return await EtcdWatchStream.OpenAsync(client.Http, endpoint, create, client.Time, cancellationToken).ConfigureAwait(false);
    }

    // News, or null when there is to be read on.
    private async Task<CatalogNews?> ReadAsync(EtcdWatchStream stream, TimeSpan limit, CancellationToken cancellationToken)
    {
        EtcdWatchResult? result = await stream.NextAsync(limit, cancellationToken).ConfigureAwait(false);
        if (result is null && _isCreated)
        {
            await CloseAsync().ConfigureAwait(false);
            return null;
        }

        if (result is null)
        {
            throw new EtcdFaultException(EtcdFaultKind.Unanswered, $"watch at {client.Options.Endpoints[_member].Authority}: no answer");
        }

        Check(result);
        if (result.Created)
        {
            _isCreated = true;
            _isDenied = false;
            return new CatalogNews(CatalogNewsKind.Alive, Told, []);
        }

        List<CatalogChange> changes = [];
        Add(result, changes);
        while (result.Fragment)
        {
            result = await stream.NextAsync(client.Options.AttemptTimeout, cancellationToken).ConfigureAwait(false)
                ?? throw new EtcdFaultException(EtcdFaultKind.Unanswered, "the rest of a message did not come in time");
            Check(result);
            Add(result, changes);
        }

        if (changes.Count == 0)
        {
            return null;
        }

        Told = changes[^1].Revision;
        return new CatalogNews(CatalogNewsKind.Changes, Told, changes);
    }

    private static void Check(EtcdWatchResult result)
    {
        if (result.CompactRevision > 0)
        {
            throw new EtcdFaultException(EtcdFaultKind.Compacted, "compacted");
        }

        if (result.Canceled)
        {
            string reason = result.CancelReason ?? "without a reason";
            bool denied = reason.Contains("permission denied", StringComparison.Ordinal)
                || reason.Contains("auth", StringComparison.Ordinal);
            throw new EtcdFaultException(denied ? EtcdFaultKind.Refused : EtcdFaultKind.Unanswered, $"watch cancelled: {reason}");
        }
    }

    private void Add(EtcdWatchResult result, List<CatalogChange> changes)
    {
        foreach (EtcdEvent happened in result.Events)
        {
            EtcdKeyValue kv = happened.Kv ?? throw new EtcdFaultException(EtcdFaultKind.Unanswered, "an event without a key");
            CatalogEntry? entry = happened.Type == "DELETE" ? null : keys.Read(kv);
            changes.Add(new CatalogChange(keys.Name(kv.Key), entry, kv.ModRevision));
        }

        if (changes.Count > CatalogLimits.MaxEntries)
        {
            // More than everything: reading it all is less.
            throw new EtcdFaultException(EtcdFaultKind.Compacted, "too many changes at once");
        }
    }

    // A token may have run out, which shows as a refusal: one more try with a new one.
    private async Task GoOnAsync(EtcdFaultException fault, CancellationToken cancellationToken)
    {
        if (fault.Kind is EtcdFaultKind.Refused or EtcdFaultKind.Unauthenticated)
        {
            if (_isDenied || client.Options.User is null)
            {
                throw client.Turn(_member, fault);
            }

            _isDenied = true;
            client.Http.LogOut();
            return;
        }

        ClusterLog.WatchBroken(client.Logger, prefix, Told, fault.Message);
        client.Turn(_member, fault);
        await Task.Delay(Pause, client.Time, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CloseAsync()
    {
        EtcdWatchStream? stream = _stream;
        _stream = null;
        _isCreated = false;
        if (stream is not null)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }
}
