using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Streams.Storage;

/// <summary>Writes the derived state to its file behind the log: after so many records, half a segment, or so much time, one writing at
/// a time, beside the writer, and no more of the time than a tenth.</summary>
/// <remarks>Failure: it stops writing, which costs the next start a longer replay and nothing else.</remarks>
internal sealed class StateSaver(StateFile file, ContainerState state, long savedRevision, ContainerOptions options, TimeProvider time,
    ILogger logger) : IDisposable
{
    // A million cursors that move take seconds to write: then it is done less often, at the price of a longer replay.
    private const int RestFactor = 9;

    private readonly Lock _own = new();
    private long _savedRevision = savedRevision;
    private TimeSpan _rest;
    private int _records;
    private long _lastPosition;
    private long _last = time.GetTimestamp();
    private Task _saving = Task.CompletedTask;

    /// <summary>A group of so many records was made visible; the log is flushed up to <paramref name="position"/>. Under the container's
    /// lock.</summary>
    public void Published(int records, long position, Lock gate)
    {
        _records += records;
        if (_records > 0 && _saving.IsCompleted && state.Changes is not null && time.GetElapsedTime(_last) >= _rest
            && (_records >= options.CheckpointRecords || position - _lastPosition >= options.SegmentBytes / 2
                || time.GetElapsedTime(_last) >= options.CheckpointInterval))
        {
            StateRows rows = Take(position, gate);
            _saving = Task.Run(() => Save(rows));
        }
    }

    /// <summary>Writes what is left, unless the disk refused and nobody knows what is flushed; the writer has ended.</summary>
    public async Task FinishAsync(long? position)
    {
        await _saving;
        if (position is { } end && state.Changes is not null)
        {
            Save(Take(end, _own));
        }
    }

    public void Dispose() => file.Dispose();

    private StateRows Take(long position, Lock gate)
    {
        StateRows rows = new(state, gate, state.Changes!, _savedRevision, position);
        _savedRevision = rows.Revision;
        state.Changes = new StateChanges();
        _records = 0;
        _lastPosition = position;
        _last = time.GetTimestamp();
        return rows;
    }

    private void Save(StateRows rows)
    {
        try
        {
            long began = time.GetTimestamp();
            file.Save(rows);
            _rest = time.GetElapsedTime(began) * RestFactor;
        }
        catch (SqliteException cause)
        {
            logger.StateNotWritten(cause);
            state.Changes = null;                     // later rows without these would not be what their position says
        }
    }
}
