using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one writer of a container: takes what waits, stages it, writes it with one write, flushes it with one flush, makes it
/// visible, answers. While it flushes, the next group gathers, and, when there is enough of it already, is staged.</summary>
/// <remarks>A group of which nobody asked for more than to be written is answered before its flush; it becomes visible with the next one,
/// which comes soon: readers and links never see what a power cut could undo (rule R1). Failure: a refused write or flush ends it. Nothing
/// of that group is made visible or acknowledged (its callers get a <see cref="StorageFailedException"/>: it may or may not be found at the
/// next open), nor is anything later. Readers go on with what was flushed before.</remarks>
internal sealed class GroupWriter(WriteQueue queue, Stager stager, SegmentLog log, Lock gate, WatchList watches, ContainerOptions options,
    TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource<StorageFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Operation> _group = [];
    private List<Operation> _otherGroup = [];
    private Flight? _inFlight;
    private ITimer? _flushTimer;
    private bool _isFlushDue;
    private long _flushes;
    private long _bytesWritten;
    private long _unflushedBytes;

    // A group that is written and flushed by another thread while the next is staged.
    private sealed record Flight(StagedGroup Staged, List<Operation> Operations, long Cost, long Started, Task Task);

    /// <summary>Completes with the reason when the disk refuses.</summary>
    public Task<StorageFailedException> Failed => _failed.Task;

    public long Flushes => Volatile.Read(ref _flushes);

    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Bytes that were answered for without a flush, and are not flushed yet.</summary>
    public long UnflushedBytes => Volatile.Read(ref _unflushedBytes);

    /// <summary>Groups that were staged while the one before was being flushed. For tests.</summary>
    public long Overlapped { get; private set; }

    /// <summary>Called under the lock after each group that was made visible, with the records in it.</summary>
    public Action<int>? Published { get; set; }

    /// <summary>Works until the queue is closed and empty, or the disk refuses. Never throws.</summary>
    public async Task RunAsync()
    {
        using ITimer timer = time.CreateTimer(_ => FlushSoon(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _flushTimer = timer;
        while ((_inFlight is null || queue.HasReady || Try(Land)) && await queue.WaitAsync())
        {
            _group.Clear();
            long cost = queue.Take(_group, options.GroupBytes, options.GroupOperations);
            if (!Try(() => Process(cost)))
            {
                return;
            }
        }

        _group.Clear();
        if (!_failed.Task.IsCompleted)
        {
            Try(FlushWritten);
        }
    }

    private bool Try(Action step)
    {
        try
        {
            step();
            return true;
        }
        catch (Exception cause)
        {
            Fail(cause as StorageFailedException ?? new StorageFailedException("the writer stopped: " + cause.Message, cause));
            return false;
        }
    }

    private void Process(long cost)
    {
        if (_group.Count == 0)
        {
            Land();
            FlushWritten();                               // woken for this alone
            return;
        }

        if (_inFlight is not null && !MayOverlap(_inFlight, cost))
        {
            Land();
        }

        if (_inFlight is null)
        {
            RollIfFull(cost);
        }

        // The log itself belongs to whoever flushes: what it will be is known.
        int flying = _inFlight?.Staged.Buffer.Written ?? 0;
        stager.Begin(flying == 0 ? log.NextPosition : _inFlight!.Staged.Buffer.NextPosition, log.Current.First,
            flying == 0 ? log.NextGroup : (_inFlight!.Staged.Buffer.Group + 1) & RecordHeader.GroupMask);
        bool mustFlush = Stage();
        Flight? before = _inFlight;
        if (before is not null)
        {
            Overlapped++;
            WaitAndPublish(before);
        }

        bool flush = mustFlush || Volatile.Read(ref _isFlushDue) || log.Unflushed + stager.Bytes.Length >= options.GroupBytes;
        bool flies = flush && options.RunsAhead && !stager.Bytes.IsEmpty && queue.HasReady;
        if (flies)
        {
            TakeOff(cost);
        }

        if (before is not null)
        {
            Answer(before.Staged, before.Operations, before.Cost);
        }

        if (flies)
        {
            (_group, _otherGroup) = (_otherGroup, _group);    // the other one was answered just now
            _group.Clear();
            return;
        }

        WriteGroup(flush);
        Answer(PublishFlushed(), _group, cost);
    }

    private bool MayOverlap(Flight flight, long cost)
    {
        bool may = !log.IsFullFor(flight.Staged.Buffer.Written + cost);
        for (int i = 0; i < _group.Count && may; i++)
        {
            may = _group[i].MayOverlap;
        }

        return may;
    }

    private void TakeOff(long cost)
    {
        ReadOnlyMemory<byte> bytes = stager.Bytes;
        Count(bytes.Length);
        long started = time.GetTimestamp();
        _inFlight = new Flight(stager.Detach(), _group, cost, started, Task.Run(() =>
        {
            log.Append(bytes.Span, flushesNext: true);
            log.Flush();
        }));
    }

    // Nothing else is to be done meanwhile.
    private void Land()
    {
        if (_inFlight is { } flight)
        {
            WaitAndPublish(flight);
            Answer(flight.Staged, flight.Operations, flight.Cost);
        }
    }

    private void WaitAndPublish(Flight flight)
    {
        flight.Task.GetAwaiter().GetResult();
        CountFlush(flight.Started);
        Publish(flight.Staged);
        _inFlight = null;
    }

    // After the last moment that the group may be changed in: an answer lets its caller go on.
    private void Answer(StagedGroup? published, List<Operation> operations, long cost)
    {
        foreach (Operation operation in operations)
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

        if (published is not null)
        {
            watches.Fire(published.ChangedStreams, published.ChangesLanes);
        }

        queue.Release(cost, operations.Count);
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
            catch (StreamsException refusal) when (refusal is not StorageFailedException)
            {
                operation.IsRefused = true;
                operation.Fail(refusal);
            }
        }

        stager.Finish();
        return mustFlush;
    }

    private void RollIfFull(long cost)
    {
        if (log.IsFullFor(cost))
        {
            FlushWritten();
            log.Roll();
            logger.Rolled(log.Current.Name);
        }
    }

    private void WriteGroup(bool flush)
    {
        ReadOnlySpan<byte> bytes = stager.Bytes.Span;
        long started = time.GetTimestamp();
        if (!bytes.IsEmpty)
        {
            bool isFirst = log.Unflushed == 0;
            log.Append(bytes, flush);
            Count(bytes.Length);
            if (isFirst && !flush)
            {
                _flushTimer!.Change(options.FlushInterval, Timeout.InfiniteTimeSpan);
            }
        }

        if (flush && log.Unflushed > 0)
        {
            log.Flush();
            CountFlush(started);
        }

        Volatile.Write(ref _unflushedBytes, log.Unflushed);
    }

    private void Count(int bytes)
    {
        Volatile.Write(ref _bytesWritten, _bytesWritten + bytes);
        StorageMeter.BytesWritten.Add(bytes);
        StorageMeter.GroupSize.Record(_group.Count);
    }

    private void CountFlush(long started)
    {
        Volatile.Write(ref _isFlushDue, false);
        Volatile.Write(ref _unflushedBytes, 0);
        Volatile.Write(ref _flushes, _flushes + 1);
        StorageMeter.Flushes.Add(1);
        StorageMeter.FlushDuration.Record(time.GetElapsedTime(started).TotalSeconds);
    }

    // Also when nothing was written: then what is staged has no records.
    private StagedGroup? PublishFlushed()
    {
        if (log.Unflushed > 0)
        {
            return null;
        }

        Publish(stager.Open);
        return stager.Open;
    }

    private void Publish(StagedGroup group)
    {
        lock (gate)
        {
            stager.Publish(group, log.Index);
            Published?.Invoke(group.Records.Count);
        }
    }

    private void FlushWritten()
    {
        if (log.Unflushed > 0)
        {
            long started = time.GetTimestamp();
            log.Flush();
            CountFlush(started);
            StagedGroup? published = PublishFlushed();
            watches.Fire(published!.ChangedStreams, published.ChangesLanes);
        }
    }

    private void FlushSoon()
    {
        Volatile.Write(ref _isFlushDue, true);
        queue.Wake();
    }

    private void Fail(StorageFailedException cause)
    {
        logger.DiskRefused(cause);
        queue.Close(cause, dropAll: true);
        if (_inFlight is { } flight)
        {
            ((IAsyncResult)flight.Task).AsyncWaitHandle.WaitOne();
            _ = flight.Task.Exception;                    // it is the cause, or is told with it
            flight.Operations.ForEach(o => o.Fail(cause));
        }

        foreach (Operation operation in _group)
        {
            operation.Fail(cause);
        }

        _failed.TrySetResult(cause);
    }
}
