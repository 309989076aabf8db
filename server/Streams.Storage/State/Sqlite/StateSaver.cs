using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Streams.Storage;

/// <summary>Writes the derived state to its file behind the log: after so many records or so much time, one writing at a time, beside
/// the writer.</summary>
/// <remarks>Failure: it stops writing, which costs the next start a longer replay and nothing else.</remarks>
internal sealed class StateSaver(StateFile file, ContainerState state, ContainerOptions options, TimeProvider time, ILogger logger)
    : IDisposable
{
    private int _records;
    private long _last = time.GetTimestamp();
    private Task _saving = Task.CompletedTask;

    /// <summary>A group of so many records was made visible; the log is flushed up to <paramref name="position"/>. Under the container's
    /// lock.</summary>
    public void Published(int records, long position)
    {
        _records += records;
        if (_records > 0 && _saving.IsCompleted && state.Changes is not null
            && (_records >= options.CheckpointRecords || time.GetElapsedTime(_last) >= options.CheckpointInterval))
        {
            StateRows rows = Take(position);
            _saving = Task.Run(() => Save(rows));
        }
    }

    /// <summary>Writes what is left, unless the disk refused and nobody knows what is flushed; the writer has ended.</summary>
    public async Task FinishAsync(long? position)
    {
        await _saving;
        if (position is { } end && state.Changes is not null)
        {
            Save(Take(end));
        }
    }

    public void Dispose() => file.Dispose();

    private StateRows Take(long position)
    {
        StateRows rows = state.Changes!.Capture(state, position);
        state.Changes = new StateChanges();
        _records = 0;
        _last = time.GetTimestamp();
        return rows;
    }

    private void Save(StateRows rows)
    {
        try
        {
            file.Save(rows);
        }
        catch (SqliteException cause)
        {
            logger.StateNotWritten(cause);
            state.Changes = null;                     // later rows without these would not be what their position says
        }
    }
}
