using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Puts an opened log and the derived state together: from the state file and the log behind it, or from the log alone.</summary>
internal sealed class ContainerOpener(ContainerOptions options, TimeProvider time, ILogger logger)
{
    private readonly Dictionary<LaneId, (EntryNumber Entry, Offset Offset)> _heads = [];

    public RecoveryReport Report { get; private set; } = new();

    public ContainerState State { get; private set; } = new();

    public SegmentLog Log { get; private set; } = null!;

    public ILogDisk Disk { get; private set; } = null!;

    public StateSaver? Saver { get; private set; }

    public void Open()
    {
        ILogDisk disk = Disk = options.Disk ?? new DirectoryDisk(options.Directory!, options.TailBytes);
        if (options.Directory is null)
        {
            ReadLog(disk, 0);
            return;
        }

        Directory.CreateDirectory(options.Directory);
        string path = System.IO.Path.Combine(options.Directory, StateFile.FileName);
        StateFile? file = TryLoad(path, out long applied, out string fault);
        State.Changes = new StateChanges();
        long saved = State.Revision.Value;
        ReadLog(disk, applied);
        if (applied > Log.NextPosition)
        {
            // Only what was flushed is ever applied, so the log has lost what it had.
            fault = $"it is ahead of the log, which ends at {Log.NextPosition}: {applied}";
            Log.Dispose();
            file?.Dispose();
            file = TryMake(path);
            State = new ContainerState { Changes = new StateChanges() };
            Report = new RecoveryReport { LogLostItsEnd = true };
            saved = 0;
            ReadLog(disk, 0);
        }

        CheckHeads();
        Report.StateRebuilt = fault;
        if (fault.Length > 0 && State.Entries > 0)
        {
            logger.StateRebuilt(fault);
        }

        if (file is null)
        {
            State.Changes = null;
        }
        else
        {
            Saver = new StateSaver(file, State, fault.Length > 0 ? 0 : saved, options, time, logger);
        }
    }

    private void ReadLog(ILogDisk disk, long applied)
    {
        State.Contents = new SegmentContents(keepsItems: options.Directory is not null);
        LogReplay replay = new(State, applied);
        Log = new LogOpener(disk, options, logger, replay, Report).Open();
    }

    // A lane that had come further than the log shows has lost acknowledged entries.
    private void CheckHeads()
    {
        foreach ((LaneId lane, (EntryNumber entry, Offset _)) in _heads)
        {
            if (entry.Value > (State.Lanes.Find(lane)?.NextEntry ?? 0))
            {
                Report.LogLostItsEnd = true;
            }
        }
    }

    private StateFile? TryLoad(string path, out long applied, out string fault)
    {
        applied = 0;
        StateFile? file = null;
        try
        {
            file = StateFile.Open(path);
            fault = file.Load(State, _heads, out applied) ?? string.Empty;
            if (fault.Length == 0)
            {
                return file;
            }
        }
        catch (SqliteException cause)
        {
            fault = cause.Message;
        }

        file?.Dispose();
        applied = 0;
        State = new ContainerState();
        _heads.Clear();
        return TryMake(path);
    }

    private StateFile? TryMake(string path)
    {
        try
        {
            StateFile.Delete(path);
            StateFile file = StateFile.Open(path);
            _ = file.Load(new ContainerState(), [], out _);
            return file;
        }
        catch (Exception cause) when (cause is SqliteException or IOException or UnauthorizedAccessException)
        {
            logger.StateNotWritten(cause);
            return null;
        }
    }
}
