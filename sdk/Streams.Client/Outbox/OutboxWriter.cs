using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>The one thread that writes the outbox, with group commit: whatever waits shares one transaction, and thus one
/// flush.</summary>
/// <remarks>Failure: the transaction is undone in the file and in memory; publishes are told, what must not be lost (confirmations,
/// parked events) is tried again with the next transaction, at the
/// latest after a second. Later publishes try again, too: a full disk may be emptied. Stopping writes all that is queued first.</remarks>
internal sealed class OutboxWriter
{
    private const int QueueLength = 4096;            // bounds memory and the time one commit may take
    private const int MaxOperations = 4096;
    private const long MaxBytes = 8 << 20;           // of one transaction: keeps the write-ahead log small

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<IOutboxOperation> _queue =
        Channel.CreateBounded<IOutboxOperation>(new BoundedChannelOptions(QueueLength) { SingleReader = true });

    private readonly List<IOutboxOperation> _batch = [];
    private readonly List<IOutboxOperation> _again = [];
    private readonly OutboxTransaction _transaction;
    private readonly Action<OutboxTransaction> _counted;
    private readonly Action<OutboxTransaction> _announced;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts the thread. On it, after each commit, <paramref name="counted"/> is called before those who wait are told,
    /// <paramref name="announced"/> behind.</summary>
    public OutboxWriter(OutboxTransaction transaction, Action<OutboxTransaction> counted, Action<OutboxTransaction> announced,
        TimeProvider time, ILogger logger)
    {
        _transaction = transaction;
        _counted = counted;
        _announced = announced;
        _time = time;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "streams outbox" };
        _thread.Start();
    }

    /// <summary>Queues an operation, if there is room.</summary>
    public bool TryWrite(IOutboxOperation operation) => _queue.Writer.TryWrite(operation);

    /// <summary>Queues an operation; waits for room.</summary>
    /// <exception cref="ObjectDisposedException">The outbox is closed.</exception>
    public async ValueTask WriteAsync(IOutboxOperation operation, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(operation, cancellationToken);
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

            Gather();
            Write();
        }
        catch (Exception e)
        {
            ClientLog.WriterDied(_logger, e);
            _queue.Writer.TryComplete(e);
            FailAll(new StorageFailedException($"outbox: its writer died: {e.Message}", e));
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

        while (_queue.Reader.TryRead(out IOutboxOperation? operation))
        {
            operation.Failed(why);
        }
    }

    private bool WaitForWork()
    {
        Task<bool> work = _queue.Reader.WaitToReadAsync().AsTask();
        if (_again.Count > 0)
        {
            Task retry = Task.Delay(RetryAfter, _time);
            return Task.WhenAny(work, retry).GetAwaiter().GetResult() == retry || work.GetAwaiter().GetResult();
        }

        return work.GetAwaiter().GetResult();
    }

    private void Gather()
    {
        _batch.Clear();
        _batch.AddRange(_again);
        _again.Clear();
        long bytes = 0;
        while (_batch.Count < MaxOperations && bytes < MaxBytes && _queue.Reader.TryRead(out IOutboxOperation? operation))
        {
            _batch.Add(operation);
            bytes += operation is PendingPublish publish ? publish.Bytes : 0;
        }
    }

    private void Write()
    {
        if (_batch.Count == 0)
        {
            return;
        }

        try
        {
            _transaction.Begin();
            foreach (IOutboxOperation operation in _batch)
            {
                operation.Apply(_transaction);
            }

            _transaction.Commit();
        }
        catch (Exception e)
        {
            _transaction.RollBack();
            StorageFailedException failure = e as StorageFailedException ?? new StorageFailedException($"outbox: {e.Message}", e);
            ClientLog.WriteFailed(_logger, _batch.Count, failure);
            _again.AddRange(_batch.Where(operation => operation.Failed(failure)));
            return;
        }

        _counted(_transaction);
        foreach (IOutboxOperation operation in _batch)
        {
            operation.Committed();
        }

        _batch.Clear();
        _announced(_transaction);
    }
}
