using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>The outbox: events on disk until a cluster holds them, and beside them what consumers were given. Safe for use by many
/// threads.</summary>
/// <remarks>Failure: a write that fails is told to whoever asked for it; the file is as it was before. Nothing that was acknowledged to
/// a publisher is ever
/// dropped: it leaves the file when a cluster holds it, or into the table of refused events.</remarks>
internal sealed class EventOutbox : IAsyncDisposable
{
    private const int MaxOpenings = 64;

    private readonly ConcurrentDictionary<StreamPath, int> _streams = [];
    private readonly PartitionTable _partitions = new();
    private readonly OutboxLock _lock;
    private readonly OutboxDatabase _database;
    private readonly OutboxTransaction _transaction;
    private readonly OutboxWriter _writer;
    private readonly Lock _emptyLock = new();
    private readonly ITimer _timer;
    private readonly TimeProvider _time;
    private TaskCompletionSource? _empty;
    private long _events;
    private long _staged;
    private long _stored;
    private long _mayMakeRoom;
    private int _disposed;

    private EventOutbox(string path, long maxBytes, OutboxLock held, OutboxDatabase database, TimeProvider time, Random chance,
        ILogger logger, TimeSpan flushWithin, OutboxEncryption? encryption)
    {
        Path = path;
        _time = time;
        _lock = held;
        _database = database;
        Producer = LoadProducer(chance);
        Epoch = unchecked((ulong)chance.NextInt64(long.MinValue, long.MaxValue));
        Receipts = new Receipts(Producer, Epoch);
        using (Statement opening = database.Prepare("INSERT INTO openings(epoch, at) VALUES(?, ?)"))
        {
            opening.Bind(1, unchecked((long)Epoch)).Bind(2, time.GetUtcNow().ToUnixTimeMilliseconds()).Run();
        }

        database.Execute($"DELETE FROM openings WHERE epoch NOT IN (SELECT epoch FROM openings ORDER BY at DESC LIMIT {MaxOpenings})");
        _partitions.Load(database);
        StageTables.Create(database);
        Keys = SealKeys.Load(database, path, encryption);
        StageTables.Load(database, _partitions);
        using (Statement streams = database.Prepare("SELECT stream, partitions FROM streams"))
        {
            while (streams.Step())
            {
                _streams[StreamPath.Parse(streams.Text(0))] = (int)streams.Long(1);
            }
        }

        OutboxCopies.Keep(database, Producer, _partitions.Rows);
        Restored = RestoredPartition.Load(database, _partitions);
        database.Execute("DELETE FROM epochs WHERE first < (SELECT max(later.first) FROM epochs later"
            + " WHERE later.partition = epochs.partition AND later.first <= coalesce((SELECT min(id) & ((1 << 44) - 1) FROM events"
            + " WHERE id BETWEEN (epochs.partition << 44) AND (((epochs.partition + 1) << 44) - 1)), 9223372036854775807))");
        _events = _partitions.Rows.Sum(static r => r.Events + r.Stage.Rows);
        Gate = new ByteGate(maxBytes, _partitions.Rows.Sum(static r => r.Bytes + r.Stage.Bytes));
        FileLimits limits = FileLimits.For(maxBytes);
        database.Limit(limits);
        _transaction = new OutboxTransaction(database, _partitions, Producer, Epoch, limits, Gate, time, Keys);
        _transaction.Measure();
        Gate.Settle(0, 0, limits.EventBytes - _transaction.UsedBytes);
        Interlocked.Exchange(ref _staged, _transaction.Stage.Rows);
        Interlocked.Exchange(ref _mayMakeRoom, _transaction.Stage.MayMakeRoom);
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _writer = new OutboxWriter(_transaction, Counted, Announce, Gate.Close, time, logger) { FlushWithin = flushWithin };
        Gate.LeadTo(_writer.TryWrite);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The producer, for the whole life of the file.</summary>
    public ProducerId Producer { get; }

    /// <summary>Random id of this opening (rule R7).</summary>
    public ulong Epoch { get; }

    /// <summary>The keys that events are sealed under; <see langword="null"/> when none is.</summary>
    public SealKeys? Keys { get; }

    /// <summary>Bytes that an event takes more because it is sealed.</summary>
    public int SealBytes => Keys is { Current: not 0 } ? SealedRow.Overhead : 0;

    /// <summary>What waited when the file was opened.</summary>
    public IReadOnlyList<RestoredPartition> Restored { get; }

    /// <summary>What came of saving a damaged file when it was opened; <see langword="null"/> when it was sound.</summary>
    public SalvageReport? Saved { get; private init; }

    /// <summary>Lets events in up to the byte cap.</summary>
    public ByteGate Gate { get; }

    /// <summary>Answers the receipts.</summary>
    public Receipts Receipts { get; }

    /// <summary>Called on the writer's thread with what has become durable, in order; set before the first publish.</summary>
    public Action<IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)>>? Appended { get; set; }

    /// <summary>Called on the writer's thread when events wait that have no sequence yet; set before the first publish.</summary>
    public Action? Staged { get; set; }

    /// <summary>Called when a publish is rejected; set before the first publish.</summary>
    public Action? Rejected { get; set; }

    /// <summary>Called on the writer's thread after each transaction, with what the stage has done; set before the first publish.</summary>
    public Action<OutboxTransaction>? Settled { get; set; }

    /// <summary>Whether events wait that have no sequence yet.</summary>
    public bool HasStaged => Interlocked.Read(ref _staged) > 0;

    /// <summary>Whether a session sends: then staged events get their sequences, as many as may soon be sent.</summary>
    public bool IsSending
    {
        get => _transaction.Stage.IsSending;
        set
        {
            _transaction.Stage.IsSending = value;
            if (value && HasStaged)
            {
                Look();
            }
        }
    }

    /// <summary>Events that wait for a cluster.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Bytes of events that were stored.</summary>
    public long StoredBytes => Interlocked.Read(ref _stored);

    /// <summary>Most bytes written to the disk for them.</summary>
    public long DiskBytes => _writer.WrittenBytes;

    /// <summary>Transactions that were flushed.</summary>
    public long Flushes => _writer.Flushes;

    /// <summary>Opens the file; what is in it stays in it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">Most bytes that its files may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">Where ids come from.</param>
    /// <param name="logger">Where to tell.</param>
    /// <param name="flushWithin">Longest that a buffered event is not flushed; default 1 s.</param>
    /// <param name="encryption">How events are sealed; <see langword="null"/>: not at all.</param>
    /// <exception cref="StorageFailedException">It cannot be opened, or another process has it.</exception>
    /// <exception cref="ConfigurationException">Events in it are sealed under a key that is not given.</exception>
    public static EventOutbox Open(string path, long maxBytes, TimeProvider time, Random chance, ILogger logger,
        TimeSpan? flushWithin = null, OutboxEncryption? encryption = null)
    {
        OutboxLock held = OutboxLock.Take(path);
        OutboxDatabase? database = null;
        try
        {
            database = OutboxFile.Open(path, time, chance, logger, out SalvageReport? saved);
            try
            {
                return Create();
            }
            catch (Exception e) when (saved is null && SqliteFault.IsDamage(e))
            {
                database.Abandon();                            // found only now: it was closed cleanly
                saved = OutboxSalvage.Run(path, e.Message, time, chance, logger);
            }

            database = OutboxFile.Open(path, time, chance, logger, out _);
            return Create();

            EventOutbox Create() =>
                new(path, maxBytes, held, database, time, chance, logger, flushWithin ?? TimeSpan.FromSeconds(1), encryption)
                {
                    Saved = saved,
                };
        }
        catch (Exception e)
        {
            database?.Abandon();
            held.Dispose();
            if (e is DamagedOutboxException or InvalidRequestException)
            {
                throw new StorageFailedException(e.Message, e);
            }

            throw;
        }
    }

    /// <summary>The wall clock, in microseconds since 1970.</summary>
    public long Now => KeptTime.From(_time.GetUtcNow());

    /// <summary>Someone else met damage in the file.</summary>
    public void FoundDamaged() => _transaction.IsDamaged = true;

    /// <summary>Who is to be told is known: what is staged begins to age.</summary>
    public void Begin()
    {
        if (HasStaged)
        {
            Look();
        }
    }

    /// <summary>How many partitions a stream has, as far as is known here.</summary>
    public int PartitionsOf(StreamPath stream) => _streams.GetValueOrDefault(stream, StreamSettings.DefaultPartitions);

    /// <summary>Row id of a partition that has had events.</summary>
    public long RowId(StreamPartition partition) => _partitions.Row(partition).Id;

    /// <summary>Stores an event that is never dropped. Completes when it is on stable storage; waits while the outbox is full. Cancelling
    /// ends the waiting for room, not the writing.</summary>
    public ValueTask<PublishReceipt> PublishAsync(StreamPath stream, PlainEvent content, CancellationToken cancellationToken) =>
        PublishAsync(stream, content, default, null, cancellationToken);

    /// <summary>The same, with something done in the same transaction; it must not fail for reasons of its own.</summary>
    public ValueTask<PublishReceipt> PublishAsync(StreamPath stream, PlainEvent content, Action<OutboxTransaction>? with,
        CancellationToken cancellationToken) => PublishAsync(stream, content, default, with, cancellationToken);

    /// <summary>Stores an event. Completes when it is on stable storage, or when its terms have decided about it.</summary>
    public ValueTask<PublishReceipt> PublishAsync(StreamPath stream, PlainEvent content, PublishTerms terms,
        CancellationToken cancellationToken) => PublishAsync(stream, content, terms, null, cancellationToken);

    private ValueTask<PublishReceipt> PublishAsync(StreamPath stream, PlainEvent content, PublishTerms terms,
        Action<OutboxTransaction>? with, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(StreamsClient));
        StreamPartition partition = new(stream, Core.Partitioner.For(content.Key.Span, content.Topic.Span, PartitionsOf(stream)));
        if (_partitions.Count >= HelloRequest.MaxPartitions && !_partitions.Contains(partition))
        {
            throw new InvalidRequestException(
                $"outbox: it has had events of {HelloRequest.MaxPartitions} partitions, more do not fit one hello");
        }

        PendingPublish pending = new(this, partition, content, terms) { With = with };
        return Gate.TryEnter(pending, cancellationToken) ? pending.Stored
            : terms.Policy == OutboxPolicy.Block ? PublishInTurn(pending, cancellationToken)
            : PublishFullAsync(pending, cancellationToken);
    }

    private ValueTask<PublishReceipt> PublishInTurn(PendingPublish publish, CancellationToken token)
    {
        Gate.Enter(publish, token);
        if (Interlocked.Read(ref _mayMakeRoom) > 0)
        {
            Look();                                      // what may go makes room for who waits
        }

        return publish.Stored;
    }

    private async ValueTask<PublishReceipt> PublishFullAsync(PendingPublish refused, CancellationToken token)
    {
        PublishTerms terms = refused.Terms;
        if (terms.Policy == OutboxPolicy.Reject)
        {
            Rejected?.Invoke();
            return refused.Dropped(new EventIdentity(Producer, Epoch, 0), PublishOutcome.Rejected);
        }

        PendingPublish publish = new(this, refused.Partition, refused.Content, terms)
        {
            Entry = terms.Policy == OutboxPolicy.DropNewest ? GateEntry.Refused : GateEntry.Forced,
        };
        await _writer.WriteAsync(publish, token).ConfigureAwait(false);
        PublishReceipt receipt = await publish.Stored.ConfigureAwait(false);
        return publish.IsDeclined ? await PublishInTurn(refused, token).ConfigureAwait(false) : receipt;
    }

    // A full queue looks anyway.
    private void Look() => _writer.TryWrite(LookOperation.Instance);

    /// <summary>Queues a write. Completes when it is queued; it is done in order.</summary>
    public ValueTask WriteAsync(IOutboxOperation operation) => _writer.WriteAsync(operation, CancellationToken.None);

    /// <summary>Does something on the writer's thread, in order with the writes. Completes when it is durable.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async Task<T> RunAsync<T>(Func<OutboxTransaction, T> work, CancellationToken cancellationToken = default)
    {
        ResultOperation<T> operation = new(work);
        await _writer.WriteAsync(operation, cancellationToken).ConfigureAwait(false);
        return await operation.Done.ConfigureAwait(false);
    }

    /// <summary>A cluster told how many partitions a stream has. The number is never lowered.</summary>
    public async ValueTask LearnAsync(StreamPath stream, int partitions)
    {
        if (partitions is >= 1 and <= PartitionId.MaxCount && (!_streams.TryGetValue(stream, out int known) || known < partitions))
        {
            _streams[stream] = partitions;
            await WriteAsync(new StreamOperation(stream, partitions)).ConfigureAwait(false);
        }
    }

    /// <summary>Completes when no event waits.</summary>
    public Task WhenEmptyAsync(CancellationToken cancellationToken)
    {
        lock (_emptyLock)
        {
            if (Events == 0)
            {
                return Task.CompletedTask;
            }

            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Writes what is queued and closes the file. Calls for what is not stored yet fail; promises not kept are
    /// cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        Gate.Close(new ObjectDisposedException(nameof(StreamsClient)));
        await _writer.StopAsync().ConfigureAwait(false);
        Receipts.Close();
        _transaction.Dispose();
        try
        {
            if (!_transaction.IsDamaged)
            {
                _database.Flushes = true;
                _database.Execute("UPDATE meta SET value=1 WHERE key='clean'");
            }
        }
        catch (Exception e) when (e is StorageFailedException or DamagedOutboxException)
        {
            // Not clean: the next opening looks the file over.
        }

        _database.Dispose();
        _lock.Dispose();
    }

    private void Counted(OutboxTransaction transaction)
    {
        Receipts.Change(transaction.Stage.Changes);      // first: who is told that his event is stored may ask what it displaced
        Interlocked.Add(ref _stored, transaction.BytesCame);
        long events = Interlocked.Add(ref _events, transaction.EventsCame - transaction.EventsLeft);
        Interlocked.Exchange(ref _staged, transaction.Stage.Rows);
        Interlocked.Exchange(ref _mayMakeRoom, transaction.Stage.MayMakeRoom);
        Gate.Settle(transaction.BytesCame, transaction.BytesLeft, transaction.Limits.EventBytes - transaction.UsedBytes);

        if (events == 0 && transaction.EventsLeft > 0)
        {
            lock (_emptyLock)
            {
                _empty?.TrySetResult();
                _empty = null;
            }
        }
    }

    private void Announce(OutboxTransaction transaction)
    {
        Appended?.Invoke(transaction.Appended);
        Settled?.Invoke(transaction);
        if (transaction.Stage.Rows > 0)
        {
            Staged?.Invoke();
        }

        if (transaction.Stage.DueIn is { } due)
        {
            _timer.Change(TimeSpan.FromMilliseconds(due), Timeout.InfiniteTimeSpan);
        }
    }

    private ProducerId LoadProducer(Random chance)
    {
        using Statement select = _database.Prepare("SELECT value FROM meta WHERE key='producer'");
        if (select.Step() && select.Blob(0) is { Length: ProducerId.Size } kept)
        {
            return ProducerId.Read(kept);
        }

        ProducerId created = ProducerId.Create(chance);
        Span<byte> bytes = stackalloc byte[ProducerId.Size];
        created.Write(bytes);
        using Statement insert = _database.Prepare("INSERT INTO meta(key, value) VALUES('producer', ?)");
        insert.Bind(1, bytes).Run();
        return created;
    }
}
