using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What the writer does when the disk refuses.</summary>
/// <remarks>Want of room: the group is taken back, its callers are told so for certain, later ones are refused at once until there is room
/// again. Anything else: of the group nobody knows, its callers are told that; before offsets are given out again the end of the log is
/// verified and cut. A group that was staged behind the refused one was not written: it is unstaged, and comes to its turn again as if it
/// had waited in the queue. Only a log that is gone, or a fault of this program, ends the writer.</remarks>
internal sealed partial class GroupWriter
{
    // Below this it is not worth going on: the next group would be refused again.
    private const long LeastRoomBytes = 64 << 10;

    private readonly long _started = time.GetTimestamp();
    private readonly OperationGroup _nobody = new();          // for whom the writer does what it does for itself
    private ITimer? _retryTimer;
    private WriterHealth _health;
    private StreamsException? _refusal;
    private long _wanted;
    private int _phase;

    /// <summary>Whether it writes, and what it waits for.</summary>
    public WritePhase Phase => (WritePhase)Volatile.Read(ref _phase);

    /// <summary>Why it does not write, for people; empty while it does.</summary>
    public string Reason => Volatile.Read(ref _refusal)?.Message ?? string.Empty;

    private TimeSpan Now => time.GetElapsedTime(_started);

    // Whether the writer can go on, whatever became of a step that asks the disk for the sake of a group.
    private bool Try(Action step, OperationGroup group, long cost)
    {
        bool goesOn = false;
        return DoOwn(() =>
        {
            try
            {
                step();
                goesOn = true;
            }
            catch (StorageFailedException refusal)
            {
                goesOn = (refusal.IsFull && !group.IsAppended && TryTakeBack(refusal, group, cost)) || GiveUp(refusal, group);
            }
        }) && goesOn;
    }

    // A step in which nothing may fail: if it does, this program is at fault, and the writer ends.
    private bool DoOwn(Action step)
    {
        try
        {
            step();
            return true;
        }
        catch (Exception cause)
        {
            Fail(new StorageFailedException("the writer stopped: " + cause.Message, cause));
            return false;
        }
    }

    // The group is not there for certain, nor is anything of it staged, or upon it: what was answered before it is flushed and made
    // visible.
    private bool TryTakeBack(StorageFailedException refusal, OperationGroup group, long cost)
    {
        try
        {
            stager.TakeBack();
            log.CutBack();
        }
        catch (StorageFailedException)
        {
            return false;
        }

        _inFlight = null;
        if (stager.IsStaged)
        {
            Answer(_nobody, PublishFlushed());
        }

        Volatile.Write(ref _answeredBytes, 0);
        _wanted = Math.Max(Math.Max(LeastRoomBytes, cost), _health.Phase == WritePhase.Full ? _wanted : 0);
        bool isNew = _health.Phase != WritePhase.Full;
        Enter(WriterEvent.NoRoom, new TryAgainException(
            $"the disk is full, {_wanted} bytes are needed: try again when there is room ({refusal.Message})", refusal));
        if (isNew)
        {
            logger.DiskFull(_wanted, refusal.Message);
        }

        Refuse(group);
        return true;
    }

    private bool GiveUp(StorageFailedException refusal, OperationGroup group)
    {
        _inFlight = null;
        stager.Abandon();
        log.GiveUpUnflushed();
        if (_answeredBytes > 0)
        {
            logger.WrittenLost(_answeredBytes);
            Volatile.Write(ref _answeredBytes, 0);
        }

        group.Fail(refusal);
        if (DiskRefusal.IsGone(refusal))
        {
            Fail(refusal);
            return false;
        }

        logger.DiskRefused(refusal.Message);
        StorageMeter.Failures.Add(1);
        Enter(WriterEvent.Refused, refusal);
        return true;
    }

    // What the writer did not touch, or took back, is refused for certain.
    private void Refuse(OperationGroup group)
    {
        group.Refuse(_refusal!);
        StorageMeter.Refused.Add(group.Operations.Count);
    }

    // While it is full, what gives space back may still find room in what is set aside.
    private bool RefuseOrFreeSpace()
    {
        List<Operation> operations = _group.Operations;
        bool goesOn = true;
        if (Phase == WritePhase.Full && operations.Exists(o => o.FreesSpace))
        {
            List<Operation> others = operations.FindAll(o => !o.FreesSpace);
            operations.RemoveAll(o => !o.FreesSpace);
            goesOn = Try(() => Process(0, mayUseReserve: true), _group, 0);
            operations.Clear();
            operations.AddRange(others);
        }

        if (!goesOn || Phase != WritePhase.Writing)
        {
            Refuse(_group);
        }

        return goesOn;
    }

    private bool MendIfDue()
    {
        while (_health.IsDue(Now))
        {
            WriterEvent before = _health.Phase == WritePhase.Full ? WriterEvent.NoRoom : WriterEvent.Refused;
            Enter(WriterEvent.TimeCame, _refusal);
            if (!Try(() => Mend(before), _nobody, _wanted))
            {
                return false;
            }
        }

        if (_health.Phase is WritePhase.Full or WritePhase.Failed)
        {
            WakeAt(_health.NextTry);                      // the timer may have come a moment early: the system's counts whole milliseconds
        }

        return true;
    }

    private void Mend(WriterEvent after)
    {
        if (after == WriterEvent.Refused)
        {
            log.Verify();
            _wanted = 0;
        }

        RollIfFull(_wanted, mayUseReserve: false);
        if (after == WriterEvent.NoRoom)
        {
            log.MakeRoom(_wanted);
        }

        TimeSpan lasted = Now - _health.Since;
        Enter(WriterEvent.Mended, null);
        logger.WritingAgain(after == WriterEvent.NoRoom ? "there is room" : "the end of the log was verified", lasted.TotalSeconds);
    }

    private void Enter(WriterEvent what, StreamsException? refusal)
    {
        _health = _health.After(what, Now);
        Volatile.Write(ref _refusal, _health.Phase == WritePhase.Writing ? null : refusal);
        Volatile.Write(ref _phase, (int)_health.Phase);
        if (what is WriterEvent.NoRoom or WriterEvent.Refused)
        {
            WakeAt(_health.NextTry);
        }
    }

    private void WakeAt(TimeSpan due)
    {
        TimeSpan pause = due - Now;
        _retryTimer!.Change(pause < TimeSpan.Zero ? TimeSpan.Zero : pause, Timeout.InfiniteTimeSpan);
    }

    // It cannot go on: everything is refused, now and later.
    private void Fail(StorageFailedException cause)
    {
        logger.WriterEnded(cause);
        Volatile.Write(ref _refusal, cause);
        Volatile.Write(ref _phase, (int)WritePhase.Failed);
        queue.Close(cause, dropAll: true);
        if (_inFlight is { } flight)
        {
            ((IAsyncResult)flight.Flight).AsyncWaitHandle.WaitOne();
            _ = flight.Flight.Exception;                  // it is the cause, or comes too late to matter
        }

        _group.Fail(cause);
        _other.Fail(cause);
        _failed.TrySetResult(cause);
    }
}
