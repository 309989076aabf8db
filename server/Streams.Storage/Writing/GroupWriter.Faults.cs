using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What the writer does when the disk refuses.</summary>
/// <remarks>Want of room: the group is taken back, its callers are told so for certain, later ones are refused at once until there is room
/// again. Anything else: of the group nobody knows, its callers are told that; before offsets are given out again the end of the log is
/// verified and cut. Only a log that is gone, or a fault of this program, ends the writer.</remarks>
internal sealed partial class GroupWriter
{
    // Below this it is not worth going on: the next group would be refused again.
    private const long LeastRoomBytes = 64 << 10;

    private readonly long _started = time.GetTimestamp();
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

    // Whether the writer can go on, whatever became of the step.
    private bool Try(Action step, long cost)
    {
        try
        {
            try
            {
                _isAppended = false;
                step();
                return true;
            }
            catch (StorageFailedException refusal)
            {
                return (refusal.IsFull && !_isAppended && TryTakeBack(refusal, cost)) || GiveUp(refusal);
            }
        }
        catch (Exception cause)
        {
            Fail(new StorageFailedException("the writer stopped: " + cause.Message, cause));
            return false;
        }
    }

    // The group is not there for certain, nor is anything of it staged: what was answered before it is flushed and made visible.
    private bool TryTakeBack(StorageFailedException refusal, long cost)
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

        if (stager.IsStaged)
        {
            PublishFlushed();
        }

        _answeredBytes = 0;
        _wanted = Math.Max(Math.Max(LeastRoomBytes, cost), _health.Phase == WritePhase.Full ? _wanted : 0);
        bool isNew = _health.Phase != WritePhase.Full;
        Enter(WriterEvent.NoRoom, new TryAgainException(
            $"the disk is full, {_wanted} bytes are needed: try again when there is room ({refusal.Message})", refusal));
        if (isNew)
        {
            logger.DiskFull(_wanted, refusal.Message);
        }

        RefuseGroup();
        return true;
    }

    private bool GiveUp(StorageFailedException refusal)
    {
        stager.Abandon();
        log.GiveUpUnflushed();
        if (_answeredBytes > 0)
        {
            logger.WrittenLost(_answeredBytes);
            _answeredBytes = 0;
        }

        foreach (Operation operation in _group)
        {
            if (!operation.IsRefused)
            {
                operation.Fail(refusal);
            }
        }

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
    private void RefuseGroup()
    {
        foreach (Operation operation in _group)
        {
            if (!operation.IsRefused)
            {
                operation.IsStaged = false;
                operation.Fail(_refusal!);
            }
        }

        StorageMeter.Refused.Add(_group.Count);
    }

    // While it is full, what gives space back may still find room in what is set aside.
    private bool RefuseOrFreeSpace()
    {
        bool frees = Phase == WritePhase.Full && _group.Exists(o => o.FreesSpace);
        if (frees)
        {
            List<Operation> others = _group.FindAll(o => !o.FreesSpace);
            _group.RemoveAll(o => !o.FreesSpace);
            bool goesOn = Try(() => Process(0, mayUseReserve: true), 0);
            _group.Clear();
            _group.AddRange(others);
            if (!goesOn)
            {
                RefuseGroup();
                return false;
            }
        }

        if (Phase != WritePhase.Writing)
        {
            RefuseGroup();
        }

        return true;
    }

    private bool MendIfDue()
    {
        while (_health.IsDue(Now))
        {
            _group.Clear();
            WriterEvent before = _health.Phase == WritePhase.Full ? WriterEvent.NoRoom : WriterEvent.Refused;
            Enter(WriterEvent.TimeCame, _refusal);
            if (!Try(() => Mend(before), _wanted))
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
        foreach (Operation operation in _group)
        {
            operation.Fail(cause);
        }

        _failed.TrySetResult(cause);
    }
}
