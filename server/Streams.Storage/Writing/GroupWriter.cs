using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one writer of a container: takes what waits, stages it, writes it with one write, flushes it with one flush, makes it
/// visible, answers. While it flushes, the next group gathers.</summary>
/// <remarks>Failure: a refused write or flush ends it. Nothing of that group is made visible or acknowledged (its callers get a
/// <see cref="StorageFailedException"/>: it may or may not be found at the next open), nor is anything later. Readers go on with what
/// was flushed before.</remarks>
internal sealed class GroupWriter(WriteQueue queue, Stager stager, SegmentLog log, Lock gate, WatchList watches, ContainerOptions options,
    TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource<StorageFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Operation> _group = [];
    private long _flushes;
    private long _bytesWritten;

    /// <summary>Completes with the reason when the disk refuses.</summary>
    public Task<StorageFailedException> Failed => _failed.Task;

    public long Flushes => Volatile.Read(ref _flushes);

    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Called under the lock after each group that was made visible, with the records in it.</summary>
    public Action<int>? Published { get; set; }

    /// <summary>Works until the queue is closed and empty, or the disk refuses. Never throws.</summary>
    public async Task RunAsync()
    {
        while (await queue.WaitAsync())
        {
            _group.Clear();
            long cost = queue.Take(_group, options.GroupBytes, options.GroupOperations);
            try
            {
                Process(cost);
            }
            catch (Exception cause)
            {
                Fail(cause as StorageFailedException ?? new StorageFailedException("the writer stopped: " + cause.Message, cause));
                return;
            }

            queue.Release(cost, _group.Count);
        }
    }

    private void Process(long cost)
    {
        RollIfFull(cost);
        stager.Begin(log.NextPosition, log.Current.First, log.NextGroup);
        for (int i = 0; i < _group.Count; i++)
        {
            Operation operation = _group[i];
            try
            {
                operation.IsStaged = true;
                operation.Stage(stager);
            }
            catch (StreamsException refusal) when (refusal is not StorageFailedException)
            {
                operation.IsRefused = true;
                operation.Fail(refusal);
            }
        }

        stager.Finish();
        WriteAndFlush();
        lock (gate)
        {
            stager.Publish(log.Index);
            Published?.Invoke(stager.Records);
        }

        foreach (Operation operation in _group)
        {
            if (!operation.IsRefused)
            {
                operation.Complete();
            }
        }

        if (stager.TakeFork() is { } fork)
        {
            logger.Fork(fork);
        }

        watches.Fire(stager.ChangedStreams, stager.ChangesLanes);
    }

    private void RollIfFull(long cost)
    {
        if (log.IsFullFor(cost))
        {
            log.Roll();
            logger.Rolled(log.Current.Name);
        }
    }

    private void WriteAndFlush()
    {
        if (stager.Bytes.IsEmpty)
        {
            return;
        }

        long started = time.GetTimestamp();
        log.Append(stager.Bytes, flushesNext: true);
        log.Flush();
        Volatile.Write(ref _flushes, _flushes + 1);
        Volatile.Write(ref _bytesWritten, _bytesWritten + stager.Bytes.Length);
        StorageMeter.Flushes.Add(1);
        StorageMeter.BytesWritten.Add(stager.Bytes.Length);
        StorageMeter.GroupSize.Record(_group.Count);
        StorageMeter.FlushDuration.Record(time.GetElapsedTime(started).TotalSeconds);
    }

    private void Fail(StorageFailedException cause)
    {
        logger.DiskRefused(cause);
        queue.Close(cause, dropAll: true);
        foreach (Operation operation in _group)
        {
            operation.Fail(cause);
        }

        _failed.TrySetResult(cause);
    }
}
