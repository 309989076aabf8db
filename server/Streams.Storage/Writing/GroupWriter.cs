using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The one writer of a container: takes what waits, stages it, writes it with one write, flushes it with one flush, makes it
/// visible, answers. While it flushes, the next group gathers, and, when there is enough of it already, is staged; it is written when
/// that flush has succeeded.</summary>
/// <remarks>A group of which nobody asked for more than to be written is answered before its flush; it becomes visible with the next
/// one, which comes soon: readers and links never see what a power cut could undo (rule R1). Failure: nothing of a group that the disk
/// refused is made visible or acknowledged, nothing of the one staged behind it was written, which is staged anew; readers go on with
/// what was flushed before, and it mends itself (GroupWriter.Faults.cs).</remarks>
internal sealed partial class GroupWriter(WriteQueue queue, Stager stager, SegmentLog log, IndexKeeper indexes, Lock gate,
    WatchList watches, ContainerOptions options, TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource<StorageFailedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private OperationGroup _group = new();
    private OperationGroup _other = new();
    private OperationGroup? _inFlight;                        // is _other; the log is its thread's until it has landed
    private ITimer? _flushTimer;
    private bool _isFlushDue;
    private long _flushes;
    private long _bytesWritten;
    private long _answeredBytes;                              // answered for, and not flushed
    private long _overlapped;

    /// <summary>Completes with the reason when it cannot go on at all.</summary>
    public Task<StorageFailedException> Failed => _failed.Task;

    public long Flushes => Volatile.Read(ref _flushes);

    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Bytes that were answered for without a flush, and are not flushed yet.</summary>
    public long AnsweredBytes => Volatile.Read(ref _answeredBytes);

    /// <summary>Groups that were staged while the one before was being flushed.</summary>
    public long Overlapped => Volatile.Read(ref _overlapped);

    /// <summary>Called under the lock after each group that was made visible, with the records in it.</summary>
    public Action<int>? Published { get; set; }

    /// <summary>Works until the queue is closed and empty, or it cannot go on. Never throws.</summary>
    public async Task RunAsync()
    {
        using ITimer timer = time.CreateTimer(_ => FlushSoon(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using ITimer retry = time.CreateTimer(_ => queue.Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _flushTimer = timer;
        _retryTimer = retry;
        while (LandIfIdle() && await queue.WaitAsync())
        {
            if (!MendIfDue())
            {
                return;
            }

            _group.Take(queue, options);
            if (!DoTurn())
            {
                return;
            }

            _group.Release(queue);
            if (!MendIfDue())
            {
                return;
            }
        }

        if (Phase == WritePhase.Writing)
        {
            Try(FlushWritten, _nobody, 0);
        }
    }

    // Whether the writer can go on. Nothing else is to be done meanwhile.
    private bool LandIfIdle() => _inFlight is not { } flight || queue.HasReady || (Land(flight) && MendIfDue());

    private bool DoTurn()
    {
        if (_inFlight is { } before)
        {
            bool isDone = false;
            bool goesOn = MayOverlap() ? Overlap(before, out isDone) : Land(before) && MendIfDue();
            if (!goesOn || isDone)
            {
                return goesOn;
            }
        }

        return Phase == WritePhase.Writing ? Try(() => Process(_group.Cost, mayUseReserve: false), _group, _group.Cost)
            : RefuseOrFreeSpace();
    }

    private bool MayOverlap() => _group.MayOverlap(stager)
        && !log.IsFullFor(stager.Oldest.Buffer.NextPosition, _group.Cost);

    // Stages the group while the one before is being flushed. It is not done when that one was refused: all that it was staged upon is
    // taken back or given up, and it is staged again as if it came only now.
    private bool Overlap(OperationGroup before, out bool isDone)
    {
        bool mustFlush = false;
        isDone = false;
        bool goesOn = DoOwn(() =>
        {
            LogBuffer flying = stager.Oldest.Buffer;
            mustFlush = Stage(flying.NextPosition, (flying.Group + 1) & RecordHeader.GroupMask);
            Volatile.Write(ref _overlapped, _overlapped + 1);
        });
        StagedGroup? published = null;
        if (!goesOn || !Try(() => published = PublishFlight(before), before, before.Cost))
        {
            return false;
        }

        if (Phase != WritePhase.Writing)
        {
            before.Release(queue);
            _group.Unstage();
            return MendIfDue();
        }

        isDone = true;
        bool flies = false;
        bool isAnswered = DoOwn(() =>
        {
            flies = IsToBeFlushed(mustFlush) && Flies();
            if (flies)
            {
                TakeOff();                                // before the answers: the disk waits for nobody
            }

            Answer(before, published);
            before.Release(queue);
        });
        return isAnswered && (flies || Try(() => Write(IsToBeFlushed(mustFlush), mayUseReserve: false), _group, _group.Cost));
    }

    private void Process(long cost, bool mayUseReserve)
    {
        if (_group.Operations.Count == 0)
        {
            FlushWritten();                               // woken for this alone
            return;
        }

        RollIfFull(cost, mayUseReserve);
        bool flush = IsToBeFlushed(Stage(log.NextPosition, log.NextGroup));
        if (flush && Flies())
        {
            TakeOff();
        }
        else
        {
            Write(flush, mayUseReserve);
        }
    }

    // Whether one of the operations must be flushed before it is answered.
    private bool Stage(long position, uint group)
    {
        stager.Begin(position, log.Current.First, group);
        bool mustFlush = false;
        foreach (Operation operation in _group.Operations)
        {
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

    private bool IsToBeFlushed(bool mustFlush) =>
        mustFlush || Volatile.Read(ref _isFlushDue) || log.Unflushed + stager.Open.Buffer.Written >= options.GroupBytes;

    // Whether it pays to flush on another thread: only when others wait to be staged meanwhile.
    private bool Flies() => options.RunsAhead && stager.Open.Buffer.Written > 0 && queue.HasReady && _group.MayOverlap(stager);

    private void TakeOff()
    {
        OperationGroup flight = _group;
        StagedGroup staged = stager.Detach();
        Count(staged);
        flight.Started = time.GetTimestamp();
        flight.Flight = Task.Run(() =>
        {
            Append(flight, staged, flush: true, mayUseReserve: false);
            log.Flush();
        });
        _inFlight = flight;
        (_group, _other) = (_other, _group);
    }

    // Whether the writer can go on.
    private bool Land(OperationGroup flight)
    {
        StagedGroup? published = null;
        bool goesOn = Try(() => published = PublishFlight(flight), flight, flight.Cost)
            && (Phase != WritePhase.Writing || DoOwn(() => Answer(flight, published)));
        flight.Release(queue);
        return goesOn;
    }

    private StagedGroup? PublishFlight(OperationGroup flight)
    {
        flight.Flight.GetAwaiter().GetResult();
        CountFlush(flight.Started);
        _inFlight = null;
        return PublishFlushed();
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

    private void Write(bool flush, bool mayUseReserve)
    {
        StagedGroup staged = stager.Open;
        long started = time.GetTimestamp();
        if (staged.Buffer.Written > 0)
        {
            bool isFirst = log.Unflushed == 0;
            Append(_group, staged, flush, mayUseReserve);
            Count(staged);
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

        Answer(_group, PublishFlushed());
        Volatile.Write(ref _answeredBytes, log.Unflushed);
    }

    // What was staged was staged for one place and one number: any other would be found damaged, or as another group's.
    private void Append(OperationGroup group, StagedGroup staged, bool flush, bool mayUseReserve)
    {
        LogBuffer buffer = staged.Buffer;
        if (buffer.Position != log.NextPosition || buffer.Group != log.NextGroup)
        {
            throw new InvalidOperationException($"group {buffer.Group} was staged for position {buffer.Position}, "
                + $"the log goes on with group {log.NextGroup} at {log.NextPosition}");
        }

        log.Append(buffer.WrittenMemory.Span, flush, mayUseReserve);
        group.IsAppended = true;
    }

    private void Count(StagedGroup staged)
    {
        Volatile.Write(ref _bytesWritten, _bytesWritten + staged.Buffer.Written);
        StorageMeter.BytesWritten.Add(staged.Buffer.Written);
        StorageMeter.GroupSize.Record(_group.Operations.Count);
    }

    private void CountFlush(long started)
    {
        Volatile.Write(ref _isFlushDue, false);
        Volatile.Write(ref _answeredBytes, 0);
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

        try
        {
            lock (gate)
            {
                StagedGroup group = stager.Publish();
                Published?.Invoke(group.Records.Count);
                return group;
            }
        }
        catch (StreamsException fault)
        {
            throw new InvalidOperationException("what is flushed could not be made visible: " + fault.Message, fault);
        }
    }

    // After the last moment that the group may be changed in: an answer lets its caller go on.
    private void Answer(OperationGroup group, StagedGroup? published)
    {
        if (published is not null)
        {
            watches.Fire(published.ChangedStreams, published.ChangesLanes);
        }

        group.Complete();
        if (stager.TakeFork() is { } fork)
        {
            logger.Fork(fork);
        }
    }

    private void FlushWritten()
    {
        if (log.Unflushed > 0)
        {
            long started = time.GetTimestamp();
            log.Flush();
            CountFlush(started);
            Answer(_nobody, PublishFlushed());
        }
    }

    private void FlushSoon()
    {
        Volatile.Write(ref _isFlushDue, true);
        queue.Wake();
    }
}
