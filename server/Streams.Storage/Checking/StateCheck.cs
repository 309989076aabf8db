using Microsoft.Data.Sqlite;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Checks the state file: its rows alone, then against what the log says.</summary>
/// <remarks>It is read from a copy, as SQLite would make files beside the original. What the log says is told while it is read; the copy is
/// made before that, so it can only be older.</remarks>
internal sealed class StateCheck : IDisposable
{
    private const int Version = 1;
    private readonly StateCopy? _copy;
    private readonly Dictionary<LaneId, long> _heads = [];
    private readonly string _path;
    private long _news;

    public StateCheck(string folder)
    {
        _path = System.IO.Path.Combine(folder, StateFile.FileName);
        if (!File.Exists(_path))
        {
            return;
        }

        Result = new FileCheck(StateFile.FileName, new FileInfo(_path).Length);
        try
        {
            _copy = StateCopy.TryMake(_path);
            if (_copy is null)
            {
                Result!.Note("it is being written without a rest: not checked");
                return;
            }

            State = new ContainerState();
            ReadRows(State);
        }
        catch (Exception cause) when (cause is SqliteException or IOException or UnauthorizedAccessException)
        {
            Result!.Fault(-1, cause.Message);
        }

        State = Result!.FaultCount == 0 && Result.Notes.Count == 0 ? State : null;
    }

    /// <summary>What was found; <see langword="null"/> when there is no state file.</summary>
    public FileCheck? Result { get; }

    /// <summary>What the rows say together, when they are good.</summary>
    public ContainerState? State { get; private set; }

    /// <summary>The log position up to which they hold.</summary>
    public long Position { get; private set; }

    /// <summary>A record of the log changed <see cref="State"/>.</summary>
    public void News(long position)
    {
        if (position < Position && _news++ == 0)
        {
            Result!.Fault(-1, $"it holds up to log position {Position}, but not what stands at {position}");
        }
    }

    /// <summary>Compares with the whole log.</summary>
    public void Compare(ContainerState log, long logEnd, Func<LaneId, long> nextEntry)
    {
        if (State is null)
        {
            return;
        }

        if (Position > logEnd)
        {
            Result!.Fault(-1, $"it is ahead of the log, which ends at {logEnd}: {Position}");
        }

        foreach ((LaneId lane, long next) in _heads)
        {
            if (next > nextEntry(lane))
            {
                Result!.Fault(-1, $"{lane}: it saw entries up to {next - 1}, the log has them up to {nextEntry(lane) - 1}");
            }
        }

        using SqliteConnection connection = _copy!.Open();
        foreach ((long number, StateRow row, uint _) in Rows(connection))
        {
            if (row.Kind == RowKind.Item && RowCodec.TryReadItem(row.Value, out StateItem item) && log.ApplyItem(item))
            {
                Result!.Fault(-1, $"row {number} ({item.Kind}{(item.Kind == StateKind.Opened ? "" : " of " + item.Partition)}) "
                    + "knows of what the log does not say");
            }

            if (row.Kind == RowKind.Retained && RowCodec.TryReadRetained(row.Key, row.Value, out StreamPath stream,
                out ReadOnlyMemory<byte> topic, out RetainedMark mark)
                && (!log.TryLoadRetained(stream, topic.Span, mark, out bool isMore) || isMore))
            {
                Result!.Fault(-1, $"row {number} ({row.Kind} of {stream}) knows of what the log does not say");
            }
        }
    }

    public void Dispose() => _copy?.Dispose();

    private void ReadRows(ContainerState state)
    {
        using SqliteConnection connection = _copy!.Open();
        long version = (long)Scalar(connection, "PRAGMA user_version")!;
        if (version != Version)
        {
            Result!.Note((version == 0 ? "it is empty" : $"it has version {version}") + ": it is made anew from the log");
            return;
        }

        if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok" and var fault)
        {
            Result!.Fault(-1, $"SQLite says: {fault}");
        }

        bool applied = false;
        foreach ((long number, StateRow row, uint crc) in Rows(connection))
        {
            Result!.Records++;
            if (crc != row.Checksum)
            {
                Result!.Fault(-1, $"row {number}, of kind {row.Kind}: its checksum does not match");
            }
            else if (!Take(state, row, ref applied))
            {
                Result!.Fault(-1, $"row {number}, of kind {row.Kind}, is malformed");
            }
        }

        Result!.Lanes = _heads.Count;
        if (!applied && Result.Records == 0)
        {
            Result.Note("it is empty: it is made anew from the log");
        }
        else if (!applied)
        {
            Result!.Fault(-1, "it does not say up to where in the log it holds");
        }
    }

    private bool Take(ContainerState state, in StateRow row, ref bool applied)
    {
        switch (row.Kind)
        {
            case RowKind.Item when RowCodec.TryReadItem(row.Value, out StateItem item) && StateItems.IsValid(item):
                state.ApplyItem(item);
                return true;
            case RowKind.LaneHead when RowCodec.TryReadLaneHead(row.Key, row.Value, out LaneId lane, out EntryNumber next, out _):
                _heads[lane] = next.Value;
                return true;
            case RowKind.Retained when RowCodec.TryReadRetained(row.Key, row.Value, out StreamPath stream, out ReadOnlyMemory<byte> topic,
                out RetainedMark mark):
                return state.TryLoadRetained(stream, topic.Span, mark, out _);
            case RowKind.Applied when RowCodec.TryReadApplied(row.Value, out _, out long position):
                Position = position;
                return applied = true;
            default:
                return false;
        }
    }

    private static IEnumerable<(long Number, StateRow Row, uint Crc)> Rows(SqliteConnection connection)
    {
        using SqliteCommand select = connection.CreateCommand();
        select.CommandText = "SELECT kind, key, value, crc FROM rows ORDER BY kind, key";
        using SqliteDataReader reader = select.ExecuteReader();
        for (long number = 1; reader.Read(); number++)
        {
            StateRow row = new((RowKind)reader.GetInt32(0), (byte[])reader[1], (byte[])reader[2]);
            yield return (number, row, (uint)reader.GetInt64(3));
        }
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
