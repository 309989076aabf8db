using Microsoft.Data.Sqlite;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The derived state in one SQLite database beside the log, written behind it: rows and the log position they hold for, in one
/// transaction.</summary>
/// <remarks>It holds no truth: when it is missing, damaged, or ahead of the log, it is thrown away and made anew from the log. Its
/// commits need not be flushed: an older state and its older position are as good. Not safe for several threads.</remarks>
internal sealed class StateFile : IDisposable
{
    public const string FileName = "state.db";
    private const int Version = 1;

    private readonly SqliteConnection _connection;

    private StateFile(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the file, or makes a new one.</summary>
    /// <exception cref="SqliteException">It is damaged, or the system refused.</exception>
    public static StateFile Open(string path)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            StateFile file = new(connection);
            file.Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
            return file;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Removes the file.</summary>
    public static void Delete(string path)
    {
        foreach (string suffix in (string[])["", "-wal", "-shm", "-journal"])
        {
            File.Delete(path + suffix);
        }
    }

    /// <summary>Loads all rows into a state. Gives the position they hold for, or what is wrong with the file: then throw the state away
    /// too.</summary>
    /// <exception cref="SqliteException">It is damaged.</exception>
    public string? Load(ContainerState state, Dictionary<LaneId, (EntryNumber Entry, Offset Offset)> heads, out long position)
    {
        position = 0;
        long version = (long)Scalar("PRAGMA user_version")!;
        if (version == 0)
        {
            Run("CREATE TABLE rows (kind INTEGER, key BLOB, value BLOB, crc INTEGER, PRIMARY KEY (kind, key)) WITHOUT ROWID; "
                + $"PRAGMA user_version={Version};");
            return "it was missing";
        }

        if (version != Version)
        {
            return $"it has version {version}, this program reads version {Version}";
        }

        if (Scalar("PRAGMA quick_check(1)") is not "ok")
        {
            return "it is damaged";
        }

        bool applied = false;
        using SqliteCommand select = _connection.CreateCommand();
        select.CommandText = "SELECT kind, key, value, crc FROM rows ORDER BY kind, key";
        using SqliteDataReader reader = select.ExecuteReader();
        while (reader.Read())
        {
            StateRow row = new((RowKind)reader.GetInt32(0), (byte[])reader[1], (byte[])reader[2]);
            if ((uint)reader.GetInt64(3) != row.Checksum || !Take(state, heads, row, ref position, ref applied))
            {
                return "a row is damaged";
            }
        }

        return applied ? null : "it is empty";
    }

    /// <summary>Writes rows and their position in one transaction.</summary>
    /// <exception cref="SqliteException">It could not; nothing was changed.</exception>
    public void Save(StateRows rows)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        using SqliteCommand upsert = _connection.CreateCommand();
        upsert.CommandText = "INSERT INTO rows (kind, key, value, crc) VALUES ($kind, $key, $value, $crc) "
            + "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, crc = excluded.crc";
        SqliteParameter kind = upsert.Parameters.Add("$kind", SqliteType.Integer);
        SqliteParameter key = upsert.Parameters.Add("$key", SqliteType.Blob);
        SqliteParameter value = upsert.Parameters.Add("$value", SqliteType.Blob);
        SqliteParameter crc = upsert.Parameters.Add("$crc", SqliteType.Integer);
        foreach (StateRow row in RowCodec.All(rows))
        {
            kind.Value = (int)row.Kind;
            key.Value = row.Key;
            value.Value = row.Value;
            crc.Value = (long)row.Checksum;
            upsert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    public void Dispose() => _connection.Dispose();

    private static bool Take(ContainerState state, Dictionary<LaneId, (EntryNumber Entry, Offset Offset)> heads, StateRow row,
        ref long position,
        ref bool applied)
    {
        switch (row.Kind)
        {
            case RowKind.Item when RowCodec.TryReadItem(row.Value, out StateItem item) && StateItems.IsValid(item):
                state.ApplyItem(item);
                return true;
            case RowKind.LaneHead when RowCodec.TryReadLaneHead(row.Key, row.Value, out LaneId lane, out EntryNumber entry,
                out Offset offset):
                heads[lane] = (entry, offset);
                return true;
            case RowKind.Retained when RowCodec.TryReadRetained(row.Key, row.Value, out StreamPath stream, out ReadOnlyMemory<byte> topic,
                out RetainedMark mark):
                return state.TryLoadRetained(stream, topic.Span, mark, out _);
            case RowKind.Applied when RowCodec.TryReadApplied(row.Value, out Origin? own, out position):
                applied = true;
                if (own is { } origin)
                {
                    state.ApplyOwnOrigin(origin);
                }

                return true;
            default:
                return false;
        }
    }

    private void Run(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private object? Scalar(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
