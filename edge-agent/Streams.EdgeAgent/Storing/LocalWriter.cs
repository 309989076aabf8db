using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The one thread that writes the store, with group commit: whatever waits shares one transaction, and thus one flush.</summary>
/// <remarks>Failure: when the disk refuses, the transaction is undone in the file and in memory and all who share it are told; the next
/// one tries again, for a full disk may be emptied. Closing writes all that is queued first.</remarks>
internal sealed class LocalWriter
{
    private const int MaxOperations = 1024;          // bounds the time one commit may take
    private const long PagesOfOne = 3;               // of the tables of lanes, sequences and the like, beside the bytes themselves

    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(1);

    private readonly LocalQueue _queue;
    private readonly LocalConnection _db;
    private readonly LocalTransaction _transaction;
    private readonly OutboxJournal _journal;
    private readonly FileLimits _limits;
    private readonly LocalWatches _watches;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<LocalOperation> _group = [];
    private readonly List<LocalOperation> _again = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LocalOperation? _next;                   // taken from the queue, and too great for the group before it

    public LocalWriter(LocalQueue queue, LocalConnection db, LocalTransaction transaction, FileLimits limits, LocalWatches watches,
        TimeProvider time, ILogger logger)
    {
        _queue = queue;
        _db = db;
        _transaction = transaction;
        _journal = new OutboxJournal(db.Database, limits, logger);
        _limits = limits;
        _watches = watches;
        _time = time;
        _logger = logger;
        UsedBytes = transaction.UsedBytes;
        new Thread(Run) { IsBackground = true, Name = "streams agent store" }.Start();
    }

    /// <summary>Completes when the queue is closed and all of it is done.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Bytes of the database in use, at the last commit.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Transactions committed.</summary>
    public long Commits { get; private set; }

    /// <summary>Why the last transaction was not written; <see langword="null"/> when it was.</summary>
    public string? Fault { get; private set; }

    private void Run()
    {
        try
        {
            while (WaitForWork())
            {
                Gather();
                Write();
            }
        }
        catch (Exception e)
        {
            StoreLog.WriterDied(_logger, e);
            _queue.Close();
            StorageFailedException why = new($"{LocalSchema.Owner}: its writer died: {e.Message}", e);
            Fail(_group, why);
            while (_queue.TryTake(out LocalOperation? left))
            {
                left!.Fail(why);
            }
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private bool WaitForWork()
    {
        if (_next is not null || _again.Count > 0)
        {
            return true;
        }

        Task<bool> work = _queue.WaitAsync().AsTask();
        while (!work.IsCompleted && _journal.Pages > 0)
        {
            using CancellationTokenSource ended = new();
            Task delay = Task.Delay(IdleAfter, _time, ended.Token);
            if (Task.WhenAny(work, delay).GetAwaiter().GetResult() == delay)
            {
                _journal.Idle();
            }

            ended.Cancel();
        }

        return work.GetAwaiter().GetResult();
    }

    private void Gather()
    {
        _group.Clear();
        _group.AddRange(_again);
        _again.Clear();
        long bytes = 0;
        while (_group.Count < MaxOperations && (_next is not null || _queue.TryTake(out _next)))
        {
            if (bytes > 0 && bytes + _next!.Cost > _limits.GroupBytes)
            {
                return;
            }

            bytes += _next!.Cost;
            _group.Add(_next);
            _next = null;
        }
    }

    private void Write()
    {
        long cost = 0;
        foreach (LocalOperation operation in _group)
        {
            cost += operation.Cost;
        }

        try
        {
            _journal.MakeRoom(FileLimits.WorstPages(Math.Max(cost, _limits.GroupBytes)) + (PagesOfOne * _group.Count));
            _transaction.Begin();
            Apply();
            _transaction.Finish();
            _transaction.Commit();
        }
        catch (Exception e)
        {
            _transaction.RollBack();
            StorageFailedException why = e as StorageFailedException ?? new StorageFailedException($"{LocalSchema.Owner}: {e.Message}", e);
            Fault = why.Message;
            StoreLog.WriteFailed(_logger, _group.Count, why.Message);
            Fail(_group, why);
            _queue.Done(cost);
            return;
        }

        Commits++;
        Fault = null;
        Tell(cost);
    }

    // One that is refused for a reason of its own has written nothing; the others go on.
    private void Apply()
    {
        for (int i = 0; i < _group.Count; i++)
        {
            try
            {
                _group[i].Apply(_transaction);
            }
            catch (StreamsException e) when (e is not StorageFailedException)
            {
                _group[i].Fail(e);
            }
        }
    }

    private void Tell(long cost)
    {
        if (_transaction.Dropped > 0)
        {
            StoreMeter.Dropped.Add(_transaction.Dropped);
            StoreLog.Dropped(_logger, _transaction.Dropped);
        }

        foreach (LocalOperation operation in _group)
        {
            if (operation.IsUnfinished)
            {
                _again.Add(operation);
                cost -= operation.Cost;
            }
            else
            {
                operation.Answer();
            }
        }

        _group.Clear();
        _queue.Done(cost);
        UsedBytes = _transaction.UsedBytes;
        _watches.Fire(_transaction.Changed);
        _transaction.Clear();
        _journal.Committed();
    }

    private void Fail(List<LocalOperation> operations, StorageFailedException why)
    {
        foreach (LocalOperation operation in operations)
        {
            operation.Fail(why);
        }

        operations.Clear();
    }
}
