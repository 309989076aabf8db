using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>The one thread that writes the outbox, with group commit: whatever waits shares one transaction, and thus one
/// flush.</summary>
/// <remarks>Failure: the transaction is undone in the file and in memory; publishes are told, what must not be lost (confirmations,
/// parked events) is tried again after a second, and alone: it makes room. Until that has worked, later publishes wait; else they try
/// themselves: a full disk may be emptied. Stopping writes all that is queued first.</remarks>
internal sealed class OutboxWriter
{
    private const int QueueLength = 4096;            // bounds memory and the time one commit may take
    private const int MaxOperations = 4096;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IdleAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<IOutboxOperation> _queue =
        Channel.CreateBounded<IOutboxOperation>(new BoundedChannelOptions(QueueLength) { SingleReader = true });

    private readonly List<IOutboxOperation> _batch = [];
    private readonly List<IOutboxOperation> _again = [];
    private readonly OutboxTransaction _transaction;
    private readonly OutboxJournal _journal;
    private bool _refused;                           // the last transaction was
    private IOutboxOperation? _first;                // taken from the queue, and too great for the group before it
    private readonly Action<OutboxTransaction> _counted;
    private readonly Action<OutboxTransaction> _announced;
    private readonly Action<Exception> _died;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private long _unflushedSince;                    // timestamp of the first buffered event that is not flushed, or 0
    private long _flushes;
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts the thread. On it, after each commit, <paramref name="counted"/> is called before those who wait are told,
    /// <paramref name="announced"/> behind; <paramref name="died"/> is called when nothing is written any more.</summary>
    public OutboxWriter(OutboxTransaction transaction, Action<OutboxTransaction> counted, Action<OutboxTransaction> announced,
        Action<Exception> died, TimeProvider time, ILogger logger)
    {
        _transaction = transaction;
        _journal = new OutboxJournal(transaction.Database, transaction.Limits, logger);
        _counted = counted;
        _announced = announced;
        _died = died;
        _time = time;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "streams outbox" };
        _thread.Start();
    }

    /// <summary>Longest that a buffered event is not flushed; set at once.</summary>
    public TimeSpan FlushWithin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most bytes written to the disk.</summary>
    public long WrittenBytes => _journal.WrittenBytes;

    /// <summary>Transactions that were flushed.</summary>
    public long Flushes => Interlocked.Read(ref _flushes);

    /// <summary>Queues an operation, if there is room.</summary>
    public bool TryWrite(IOutboxOperation operation) => _queue.Writer.TryWrite(operation);

    /// <summary>Queues an operation; waits for room.</summary>
    /// <exception cref="ObjectDisposedException">The outbox is closed.</exception>
    public async ValueTask WriteAsync(IOutboxOperation operation, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(operation, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(StreamsClient));
        }
    }

    /// <summary>Writes what is queued and ends.</summary>
    public Task StopAsync()
    {
        _queue.Writer.TryComplete();
        _stopping.TrySetResult();
        return _stopped.Task;
    }

    private void Run()
    {
        try
        {
            while (WaitForWork())
            {
                Gather();
                Write();
            }

            AddFlush();
            do
            {
                _refused = false;
                Gather();
                Write();
            }
            while (!_refused && (_again.Count > 0 || _first is not null || _queue.Reader.TryPeek(out _)));

            _batch.Clear();
            FailAll(new StorageFailedException("outbox: it was closed while the disk refused"));
        }
        catch (Exception e)
        {
            ClientLog.WriterDied(_logger, e);
            _queue.Writer.TryComplete(e);
            StorageFailedException failure = new($"outbox: its writer died: {e.Message}", e);
            _died(failure);
            FailAll(failure);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    // Nobody may wait for ever: whoever is in the batch that could not be finished, or still in the queue, is told.
    private void FailAll(StorageFailedException why)
    {
        foreach (IOutboxOperation operation in _batch)
        {
            operation.Failed(why);
        }

        foreach (IOutboxOperation operation in _again)
        {
            operation.Failed(why);
        }

        _first?.Failed(why);
        while (_queue.Reader.TryRead(out IOutboxOperation? operation))
        {
            operation.Failed(why);
        }
    }

    // False when the queue is closed and all of it is written, apart from what the disk refuses.
    private bool WaitForWork()
    {
        if (_first is not null)
        {
            return true;
        }

        if (_again.Count > 0 && !_refused)
        {
            return true;                                       // the rest of something great
        }

        if (_again.Count > 0)
        {
            return IsOverAfter(RetryAfter, _stopping.Task);      // stopping: once more, with all that is queued
        }

        Task<bool> work = _queue.Reader.WaitToReadAsync().AsTask();
        while (!work.IsCompleted && (_journal.Pages > 0 || _unflushedSince != 0))
        {
            TimeSpan pause = _unflushedSince == 0 ? IdleAfter : FlushWithin - _time.GetElapsedTime(_unflushedSince);
            if (pause > TimeSpan.Zero && !IsOverAfter(pause, work))
            {
                continue;
            }

            if (_unflushedSince != 0)
            {
                AddFlush();
                return true;
            }

            _journal.Idle();
        }

        return work.GetAwaiter().GetResult();
    }

    private bool IsOverAfter(TimeSpan pause, Task other)
    {
        using CancellationTokenSource ended = new();
        Task delay = Task.Delay(pause, _time, ended.Token);
        bool over = Task.WhenAny(other, delay).GetAwaiter().GetResult() == delay;
        ended.Cancel();
        return over;
    }

    // What was refused before goes alone: it makes room, and must not fail for the want of room of what is new.
    private void Gather()
    {
        _batch.Clear();
        _batch.AddRange(_again);
        _again.Clear();
        if (_refused && _batch.Count > 0)
        {
            return;
        }

        long bytes = 0;
        foreach (IOutboxOperation operation in _batch)
        {
            bytes += operation is PendingPublish publish ? publish.GroupBytes : 0;
        }

        while (_batch.Count < MaxOperations && (_first is not null || _queue.Reader.TryRead(out _first)))
        {
            long more = _first is PendingPublish next ? next.GroupBytes : 0;
            if (bytes > 0 && bytes + more > _transaction.Limits.GroupBytes)
            {
                return;
            }

            bytes += more;
            _batch.Add(_first);
            _first = null;
        }
    }

    private void Write()
    {
        if (_batch.Count == 0)
        {
            return;
        }

        int applied = 0;
        bool again = _refused;
        try
        {
            _journal.MakeRoom(WorstPagesOf(_batch));
            _transaction.Begin(NeedsFlush());
            bool holdsUp = false;
            while (applied < _batch.Count && !holdsUp)
            {
                if (_batch[applied] is not PendingPublish)
                {
                    _transaction.Flush();                // they look at the table of events
                }

                _batch[applied].Apply(_transaction);
                holdsUp = _batch[applied++].HoldsUp;
            }

            _transaction.Flush();
            if (!again)
            {
                _transaction.Stage.Settle();           // not with what is tried again: that must not want for room
            }

            _transaction.Commit();
        }
        catch (Exception e)
        {
            _transaction.RollBack();
            StorageFailedException failure = e as StorageFailedException ?? new StorageFailedException($"outbox: {e.Message}", e);
            ClientLog.WriteFailed(_logger, _batch.Count, failure);
            _again.AddRange(_batch.Where(operation => operation.Failed(failure)));
            _refused = true;
            _transaction.IsDamaged |= e is DamagedOutboxException;
            if (again && e is DamagedOutboxException)
            {
                ClientLog.DamageMet(_logger, _again.Count, failure);
                _again.Clear();                        // it would never succeed, and hold up all that is published
            }

            return;
        }

        _refused = false;
        NoteFlush();
        _counted(_transaction);
        for (int i = 0; i < _batch.Count; i++)
        {
            if (i < applied)
            {
                _batch[i].Committed();
            }

            if (i >= applied || _batch[i].IsUnfinished)
            {
                _again.Add(_batch[i]);
            }
        }

        _batch.Clear();
        if (_again.Count == 0 && (_transaction.Stage.HasMore || (again && _transaction.Stage.Rows > 0)))
        {
            _again.Add(LookOperation.Instance);
        }

        _announced(_transaction);
        _journal.Committed();
    }

    // What the stage gives a sequence may be sent at once: undone and given another one it would stand at the cluster twice.
    private bool NeedsFlush()
    {
        if ((_unflushedSince != 0 && _time.GetElapsedTime(_unflushedSince) >= FlushWithin)
            || (_transaction.Stage.Rows > 0 && _transaction.Stage.IsSending))
        {
            return true;
        }

        foreach (IOutboxOperation operation in _batch)
        {
            if (operation.NeedsFlush)
            {
                return true;
            }
        }

        return false;
    }

    private void NoteFlush()
    {
        if (_transaction.IsFlushed)
        {
            _unflushedSince = 0;
            Interlocked.Increment(ref _flushes);
        }
        else if (_unflushedSince == 0 && _transaction.EventsCame > 0)
        {
            _unflushedSince = Math.Max(_time.GetTimestamp(), 1);
        }
    }

    private void AddFlush()
    {
        if (_unflushedSince != 0)
        {
            _again.Add(FlushOperation.Instance);
        }
    }

    private long WorstPagesOf(List<IOutboxOperation> batch)
    {
        long bytes = 0;
        long displaced = 0;
        foreach (IOutboxOperation operation in batch)
        {
            if (operation is PendingPublish publish)
            {
                bytes += publish.Bytes;
                displaced += publish.Displaces ? 1 : 0;
            }
        }

        return displaced + FileLimits.WorstPages(Math.Max(bytes, _transaction.Limits.GroupBytes) + _transaction.Stage.AsideBytes);
    }
}
