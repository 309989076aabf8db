using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The catalog of one node: a file, replaced whole and flushed by every transaction.</summary>
/// <remarks>One process at a time holds the file. What was answered is on stable storage; after a crash the file is the old or the new one.
/// Leases end with the process: their entries are gone at the next opening. When the disk refuses, nothing is answered any more until the
/// store is opened again. A transaction costs as much as the file is long (at most <see cref="SealedFile.MaxBytes"/>): right for
/// what one node holds.</remarks>
public sealed class FileCatalogStore : ICatalogStore
{
    private const int DefaultHistory = 4096;
    private static readonly TimeSpan DefaultRenewal = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly ICatalogFiles _files;
    private readonly TimeProvider _time;
    private readonly FileStream _held;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();
    private readonly CatalogHistory _history;
    private readonly FileLeases _leases;
    private readonly ITimer _expiry;
    private readonly long _openings;
    private ImmutableSortedDictionary<string, CatalogEntry> _entries;
    private TaskCompletionSource _changed = NewSignal();
    private long _revision;
    private StreamsException? _fault;
    private bool _isDisposed;

    private FileCatalogStore(string path, ICatalogFiles files, TimeProvider time, FileStream held, int history)
    {
        _path = path;
        _files = files;
        _time = time;
        _held = held;
        StoredCatalogRecord stored = files.Read(path) is { } bytes
            ? SealedFile.Read(path, bytes, CatalogJson.Default.StoredCatalogRecord)
            : new StoredCatalogRecord(0, 0, []);
        _openings = stored.Openings + 1;
        _revision = stored.Revision + 1;
        _entries = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, stored.Entries.Where(e => e.Lease == 0)
            .Select(e => KeyValuePair.Create(e.Key, new CatalogEntry(e.Key, e.Value, e.Revision))));
        _history = new CatalogHistory(history, _revision);
        _leases = new FileLeases(time, _openings);
        files.WriteWhole(path, Bytes(_entries, _revision));
        _expiry = time.CreateTimer(_ => _ = ExpireAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Opens the file, which is made when it is missing; its folder must be there.</summary>
    /// <exception cref="TryAgainException">A live process holds it.</exception>
    /// <exception cref="ConfigurationException">It is damaged, or of a newer format.</exception>
    /// <exception cref="StorageFailedException">It cannot be read or written.</exception>
    public static FileCatalogStore Open(string path, TimeProvider time) => Open(path, new CatalogFiles(), time, DefaultHistory);

    internal static FileCatalogStore Open(string path, ICatalogFiles files, TimeProvider time, int history)
    {
        FileStream? held = null;
        try
        {
            held = Hold(path);
            return new FileCatalogStore(Path.GetFullPath(path), files, time, held, history);
        }
        catch (Exception fault)
        {
            held?.Dispose();
            throw fault switch
            {
                IOException or UnauthorizedAccessException =>
                    new StorageFailedException($"catalog {path} cannot be used: {fault.Message}", fault),
                DamagedFileException => new ConfigurationException($"{fault.Message}: put a copy of it in its place"),
                _ => fault,
            };
        }
    }

    /// <inheritdoc/>
    public Task<CatalogEntry?> GetAsync(string key, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckKey(key);
        return Task.FromResult(Read().Entries.GetValueOrDefault(key));
    }

    /// <inheritdoc/>
    public Task<CatalogSnapshot> ListAsync(string prefix, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckPrefix(prefix);
        return Task.FromResult(List(prefix));
    }

    /// <inheritdoc/>
    public Task<CatalogOutcome> CommitAsync(CatalogTransaction transaction, CancellationToken cancellationToken = default)
    {
        CatalogLimits.Check(transaction);
        return InTurnAsync(() => Commit(transaction), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<LeaseGrant> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckTimeToLive(timeToLive);
        return InTurnAsync(() => _leases.Grant(timeToLive) ?? throw new TryAgainException("too many leases are open"), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<TimeSpan?> KeepAliveAsync(long lease, CancellationToken cancellationToken = default) =>
        InTurnAsync(() => _leases.Keep(lease), cancellationToken);

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken = default) =>
        InTurnAsync(() => End([lease]), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<CatalogNews> WatchAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CatalogLimits.CheckPrefix(prefix);
        long told = -1;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task changed;
            IReadOnlyList<CatalogChange>? changes;
            long revision;
            lock (_gate)
            {
                changed = _changed.Task;
                revision = Read().Revision;
                changes = _history.Behind(told, prefix);
            }

            if (changes is null)
            {
                CatalogSnapshot all = List(prefix);
                told = all.Revision;
                yield return new CatalogNews(CatalogNewsKind.Snapshot, told,
                    [.. all.Entries.Select(e => new CatalogChange(e.Key, e, e.Revision))]);
                continue;
            }

            told = revision;
            if (changes.Count > 0)
            {
                yield return new CatalogNews(CatalogNewsKind.Changes, told, changes);
            }
            else if (!await HappensAsync(changed, cancellationToken).ConfigureAwait(false))
            {
                yield return new CatalogNews(CatalogNewsKind.Alive, told, []);
            }
        }
    }

    /// <summary>Releases the file. Its leases end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                await _expiry.DisposeAsync().ConfigureAwait(false);
                await _held.DisposeAsync().ConfigureAwait(false);
                Signal();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private static FileStream Hold(string path)
    {
        string beside = path + ".lock";
        try
        {
            return new FileStream(beside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException fault) when (File.Exists(beside))
        {
            throw new TryAgainException($"catalog {path} is in use by another process", fault);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private (ImmutableSortedDictionary<string, CatalogEntry> Entries, long Revision) Read()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _fault is null ? (_entries, _revision) : throw Refused();
        }
    }

    private StorageFailedException Refused() => new($"catalog {_path} must be opened again: {_fault!.Message}", _fault);

    private CatalogSnapshot List(string prefix)
    {
        (ImmutableSortedDictionary<string, CatalogEntry> entries, long revision) = Read();
        return new CatalogSnapshot(revision, [.. entries.Values.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal))]);
    }

    // Whether it happens before a watcher has to be told that nothing did.
    private async Task<bool> HappensAsync(Task changed, CancellationToken cancellationToken)
    {
        try
        {
            await changed.WaitAsync(DefaultRenewal, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<T> InTurnAsync<T>(Func<T> act, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Read();
            End(_leases.Over());
            T done = act();
            _expiry.Change(_leases.Next ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return done;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ExpireAsync()
    {
        try
        {
            await InTurnAsync(() => true, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is StreamsException or ObjectDisposedException)
        {
            // A refusal of the disk is kept for the next caller; of a closed store nothing expires.
        }
    }

    private CatalogOutcome Commit(CatalogTransaction transaction)
    {
        foreach (CatalogCondition condition in transaction.Conditions)
        {
            if ((_entries.GetValueOrDefault(condition.Key)?.Revision ?? 0) != condition.Revision)
            {
                return new CatalogOutcome(CatalogVerdict.ConditionFailed, _revision);
            }
        }

        foreach (CatalogWrite write in transaction.Writes)
        {
            if (write.Lease != 0 && !_leases.IsAlive(write.Lease))
            {
                return new CatalogOutcome(CatalogVerdict.LeaseOver, _revision);
            }
        }

        Apply(transaction.Writes);
        return new CatalogOutcome(CatalogVerdict.Done, _revision);
    }

    private bool End(List<long> leases)
    {
        if (leases.Count == 0)
        {
            return false;
        }

        List<CatalogWrite> removals =
            [.. _entries.Values.Where(e => e.Lease != 0 && leases.Contains(e.Lease)).Select(e => new CatalogWrite(e.Key, null))];
        if (removals.Count > 0)
        {
            Apply(removals);
        }

        foreach (long lease in leases)
        {
            _leases.Remove(lease);
        }

        return true;
    }

    // On disk first, then seen.
    private void Apply(IReadOnlyList<CatalogWrite> writes)
    {
        long revision = _revision + 1;
        ImmutableSortedDictionary<string, CatalogEntry>.Builder next = _entries.ToBuilder();
        List<CatalogChange> changes = [];
        foreach (CatalogWrite write in writes)
        {
            if (write.Value is { } value)
            {
                CatalogEntry entry = new(write.Key, value.ToArray(), revision, write.Lease);
                next[write.Key] = entry;
                changes.Add(new CatalogChange(write.Key, entry, revision));
            }
            else if (next.Remove(write.Key))
            {
                changes.Add(new CatalogChange(write.Key, null, revision));
            }
        }

        ImmutableSortedDictionary<string, CatalogEntry> entries = next.ToImmutable();
        Save(entries, revision);
        lock (_gate)
        {
            _entries = entries;
            _revision = revision;
            changes.ForEach(_history.Add);
        }

        Signal();
    }

    private void Save(ImmutableSortedDictionary<string, CatalogEntry> entries, long revision)
    {
        byte[] bytes = Bytes(entries, revision);
        if (bytes.Length > SealedFile.MaxBytes)
        {
            throw new InvalidRequestException(
                $"catalog {_path} would have {bytes.Length} bytes, at most {SealedFile.MaxBytes} are kept in a file");
        }

        try
        {
            _files.WriteWhole(_path, bytes);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or StorageFailedException)
        {
            lock (_gate)
            {
                _fault = fault as StreamsException ?? new StorageFailedException(fault.Message, fault);
            }

            Signal();
            throw Refused();
        }
    }

    private void Signal()
    {
        TaskCompletionSource before;
        lock (_gate)
        {
            before = _changed;
            _changed = NewSignal();
        }

        before.TrySetResult();
    }

    private byte[] Bytes(ImmutableSortedDictionary<string, CatalogEntry> entries, long revision) => SealedFile.Write(
        new StoredCatalogRecord(revision, _openings,
            [.. entries.Values.Select(e => new StoredCatalogEntry(e.Key, e.Value.ToArray(), e.Revision, e.Lease))]),
        CatalogJson.Default.StoredCatalogRecord);
}
