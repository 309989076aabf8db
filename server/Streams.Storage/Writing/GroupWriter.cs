using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one writer of a container: takes what waits, stages it, writes it with one write, flushes it with one flush, makes it
/// visible, answers. While it flushes, the next group gathers.</summary>
/// <remarks>A group of which nobody asked for more than to be written is answered before its flush; it becomes visible with the next
/// one, which comes soon: readers and links never see what a power cut could undo (rule R1). Failure: nothing of a group that the disk
/// refused is made visible or acknowledged, readers go on with what was flushed before, and it mends itself
/// (GroupWriter.Faults.cs).</remarks>
internal sealed partial class GroupWriter(WriteQueue queue, Stager stager, SegmentLog log, IndexKeeper indexes, Lock gate,
    WatchList watches, ContainerOptions options, TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource<StorageFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Operation> _group = [];
    private ITimer? _flushTimer;
    private bool _isFlushDue;
    private long _flushes;
    private long _bytesWritten;
    private long _answeredBytes;                              // answered for, and not flushed
    private bool _isAppended;                                 // whether the group under way is in the log, as far as it can be seen

    /// <summary>Completes with the reason when it cannot go on at all.</summary>
    public Task<StorageFailedException> Failed => _failed.Task;

    public long Flushes => Volatile.Read(ref _flushes);

    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Called under the lock after each group that was made visible, with the records in it.</summary>
    public Action<int>? Published { get; set; }

    /// <summary>Works until the queue is closed and empty, or it cannot go on. Never throws.</summary>
    public async Task RunAsync()
    {
        using ITimer timer = time.CreateTimer(_ => FlushSoon(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using ITimer retry = time.CreateTimer(_ => queue.Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _flushTimer = timer;
        _retryTimer = retry;
        while (await queue.WaitAsync())
        {
            if (!MendIfDue())
            {
                return;
            }

            _group.Clear();
            long cost = queue.Take(_group, options.GroupBytes, options.GroupOperations);
            int operations = _group.Count;
            if (!(Phase == WritePhase.Writing ? Try(() => Process(cost), cost) : RefuseOrFreeSpace()))
            {
                return;
            }

            queue.Release(cost, operations);
            if (!MendIfDue())
            {
                return;
            }
        }

        _group.Clear();
        if (Phase == WritePhase.Writing)
        {
            Try(FlushWritten, 0);
        }
    }

    private void Process(long cost, bool mayUseReserve = false)
    {
        if (_group.Count == 0)
        {
            FlushWritten();                               // woken for this alone
            return;
        }

        RollIfFull(cost, mayUseReserve);
        stager.Begin(log.NextPosition, log.Current.First, log.NextGroup);
        bool mustFlush = Stage();
        WriteGroup(mustFlush, mayUseReserve);
        PublishFlushed();
        foreach (Operation operation in _group)
        {
            if (!operation.IsRefused)
            {
                operation.Complete();
            }
        }

        _answeredBytes = log.Unflushed;
        if (stager.TakeFork() is { } fork)
        {
            logger.Fork(fork);
        }
    }

    // Whether one of the operations must be flushed before it is answered.
    private bool Stage()
    {
        bool mustFlush = false;
        for (int i = 0; i < _group.Count; i++)
        {
            Operation operation = _group[i];
            try
            {
                operation.IsStaged = true;
                operation.Stage(stager);
                mustFlush |= operation.Stream is not { } stream || !stager.IsWritten(stream);
            }
            catch (StreamsException refusal)                  // also of the disk, of which it read: nothing is wrong with the log
            {
                operation.IsRefused = true;
                operation.Fail(refusal);
            }
        }

        stager.Finish();
        return mustFlush;
    }

    private void RollIfFull(long cost, bool mayUseReserve)
    {
        if (log.IsFullFor(cost))
        {
            FlushWritten();
            Segment ended = log.Current;
            log.Roll(mayUseReserve);
            indexes.Ended(ended, log.Current.First, log.LastGroup);
            logger.Rolled(log.Current.Name);
        }
    }

    private void WriteGroup(bool mustFlush, bool mayUseReserve)
    {
        int bytes = stager.Bytes.Length;
        long started = time.GetTimestamp();
        bool flush = mustFlush || Volatile.Read(ref _isFlushDue) || log.Unflushed + bytes >= options.GroupBytes;
        if (bytes > 0)
        {
            bool isFirst = log.Unflushed == 0;
            log.Append(stager.Bytes, flush, mayUseReserve);
            _isAppended = true;
            Volatile.Write(ref _bytesWritten, _bytesWritten + bytes);
            StorageMeter.BytesWritten.Add(bytes);
            StorageMeter.GroupSize.Record(_group.Count);
            if (isFirst && !flush)
            {
                _flushTimer!.Change(options.FlushInterval, Timeout.InfiniteTimeSpan);
            }
        }

        if (flush && log.Unflushed > 0)
        {
            Flush(started);
        }
    }

    private void Flush(long started)
    {
        log.Flush();
        Volatile.Write(ref _isFlushDue, false);
        Volatile.Write(ref _flushes, _flushes + 1);
        StorageMeter.Flushes.Add(1);
        StorageMeter.FlushDuration.Record(time.GetElapsedTime(started).TotalSeconds);
    }

    // Also when nothing was written: then what is staged has no records.
    private void PublishFlushed()
    {
        if (log.Unflushed > 0)
        {
            return;
        }

        try
        {
            lock (gate)
            {
                stager.Publish();
                Published?.Invoke(stager.Records);
            }
        }
        catch (StreamsException fault)
        {
            throw new InvalidOperationException("what is flushed could not be made visible: " + fault.Message, fault);
        }

        watches.Fire(stager.ChangedStreams, stager.ChangesLanes);
    }

    private void FlushWritten()
    {
        if (log.Unflushed > 0)
        {
            Flush(time.GetTimestamp());
            PublishFlushed();
            _answeredBytes = 0;
        }
    }

    private void FlushSoon()
    {
        Volatile.Write(ref _isFlushDue, true);
        queue.Wake();
    }
}
