using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>The agent's store: all that a gateway keeps, in one SQLite file.</summary>
/// <remarks>Safe for use by many threads. Whatever is answered, read or held is flushed (rule R1). One thread writes; reading goes past
/// it. Failure: when the disk refuses, nothing of that transaction is there and its callers are told; the next one tries again. A file
/// that is damaged when it is opened is moved aside. A crash at any point loses nothing that was answered.</remarks>
internal sealed partial class LocalStore : IEventStore, IAsyncDisposable
{
    private static readonly TimeSpan RetainEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromHours(1);

    private readonly OutboxLock _lock;
    private readonly LocalConnection _db;
    private readonly LocalReaders _readers;
    private readonly LocalIdentity _identity;
    private readonly LaneBook _book = new();
    private readonly SessionTable _sessions;
    private readonly LocalQueue _queue;
    private readonly LocalWatches _watches;
    private readonly LocalWriter _writer;
    private readonly LocalTransaction _transaction;
    private readonly RouteBook _routes = new();
    private readonly ITimer _retaining;
    private readonly ITimer _tidying;
    private int _isRetaining;
    private int _disposed;

    private LocalStore(LocalStoreOptions options, OutboxLock held, LocalConnection db, LocalIdentity identity, string? aside,
        TimeProvider time, Random chance, ILogger logger)
    {
        FileLimits limits = FileLimits.For(options.MaxBytes);
        _lock = held;
        _db = db;
        _identity = identity;
        _readers = new LocalReaders(options.Path);
        _sessions = new SessionTable(time.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        _queue = new LocalQueue(options.PendingBytes);
        _watches = new LocalWatches(logger);
        LocalLoading.NoteWays(db, options);
        LocalLoading.Load(db, _book);
        db.Database.Limit(limits);
        _transaction = new LocalTransaction(db, _book, _sessions, identity, options, _routes, time, chance);
        Saved = aside is null ? 0 : LocalSalvage.Run(aside, identity, _transaction);
        _writer = new LocalWriter(_queue, db, _transaction, limits, _watches, time, logger);
        _retaining = time.CreateTimer(_ => _ = RetainAsync(), null, RetainEvery, RetainEvery);
        _tidying = time.CreateTimer(_ => _ = QuietlyAsync(new TidyOperation { Cost = SmallCost }), null, TimeSpan.Zero, TidyEvery);
    }

    /// <summary>Opens the store, or makes it where there is none. The file is checked when it was not closed in order, which reads all of
    /// it.</summary>
    /// <exception cref="ConfigurationException">The options are faulty.</exception>
    /// <exception cref="StorageFailedException">Another process has it, it was made by a newer program, or the disk refused.</exception>
    public static LocalStore Open(LocalStoreOptions options, TimeProvider time, Random chance, ILogger logger)
    {
        if (options.Fault is { } fault)
        {
            throw new ConfigurationException(fault);
        }

        OutboxLock held = OutboxLock.Take(options.Path);
        OutboxDatabase? database = null;
        try
        {
            (database, string? aside, string reason) = LocalFile.Open(options.Path, time);
            LocalIdentity identity = LocalFile.Identify(database, options.Cluster, time, chance);
            LocalStore store = new(options, held, new LocalConnection(database), identity, aside, time, chance, logger);
            if (aside is not null)
            {
                StoreLog.Damaged(logger, options.Path, aside, reason, store.Saved);
            }

            StoreLog.Opened(logger, options.Path, identity.Origin, store._book.All.Count, store.UsedBytes, options.MaxBytes);
            return store;
        }
        catch
        {
            database?.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Origin Origin => _identity.Origin;

    /// <summary>Batches saved from a damaged file when it was opened.</summary>
    public long Saved { get; }

    /// <summary>Bytes of the database in use.</summary>
    public long UsedBytes => _writer.UsedBytes;

    /// <summary>Transactions committed since it was opened, each with one flush.</summary>
    public long Commits => _writer.Commits;

    /// <summary>Why the last transaction was not written; <see langword="null"/> when it was.</summary>
    public string? Fault => _writer.Fault;

    /// <summary>What waits to go up under routes, each by its name; those under which nothing waits too while they are in use.</summary>
    public IReadOnlyList<RouteFigures> Routes => [.. _routes.All.Where(static r => r.Id != RouteBook.Gaps).Select(static r => r.Figures)];

    /// <summary>Events that wait to go up under routes.</summary>
    public long RoutedWaiting => _routes.Waiting;

    /// <summary>Completes when nothing is written any more: the store was closed, or its writer died.</summary>
    public Task Ended => _writer.Ended;

    /// <summary>The lanes, as they were committed last.</summary>
    public IReadOnlyList<LaneRow> LaneRows => _book.All;

    /// <inheritdoc/>
    public IReadOnlyList<StreamPath> Streams => _book.Streams;

    /// <inheritdoc/>
    public StreamSettings? Settings(StreamPath stream) => _book.Settings(stream);

    /// <inheritdoc/>
    public ProducerSession BeginProducer(ProducerId producer) => _sessions.Begin(producer);

    /// <inheritdoc/>
    public IDisposable Watch(StreamPath stream, Action changed) => _watches.Add(stream, changed);

    /// <summary>Calls <paramref name="changed"/> after each flush that changed any stream. On the writer's thread: set a flag and
    /// return.</summary>
    public IDisposable WatchAll(Action changed) => _watches.Add(null, changed);

    /// <summary>Writes what waits, then closes. Later operations are refused.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _retaining.DisposeAsync().ConfigureAwait(false);
        await _tidying.DisposeAsync().ConfigureAwait(false);
        _queue.Close();
        await _writer.Ended.ConfigureAwait(false);
        _transaction.Dispose();
        _readers.Dispose();
        try
        {
            LocalFile.NoteClean(_db.Database, isClean: true);
        }
        catch (Exception e) when (e is StorageFailedException or DamagedOutboxException)
        {
            // It is checked when it is opened again.
        }

        _db.Dispose();
        _lock.Dispose();
    }

    // One at a time, however long it takes or the clock jumps.
    private async Task RetainAsync()
    {
        if (Interlocked.Exchange(ref _isRetaining, 1) == 0)
        {
            await QuietlyAsync(new RetainOperation { Cost = SmallCost }).ConfigureAwait(false);
            Volatile.Write(ref _isRetaining, 0);
        }
    }

    private async Task QuietlyAsync(LocalOperation<bool> operation)
    {
        try
        {
            await RunAsync(operation, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException)
        {
            // Logged where it happened; it is done again.
        }
    }

    /// <summary>Has an operation carried out.</summary>
    /// <exception cref="TryAgainException">The store is closed.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<T> RunAsync<T>(LocalOperation<T> operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _queue.AddAsync(operation, cancellationToken).ConfigureAwait(false);
        return await operation.Task.ConfigureAwait(false);
    }
}
