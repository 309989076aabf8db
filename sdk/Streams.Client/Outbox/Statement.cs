using SQLitePCL;
using Streams.Core;

namespace Streams.Client;

/// <summary>A prepared SQLite statement: spans in, spans out, no boxing. Used by one thread at a time.</summary>
/// <remarks>It stands on the provider that Microsoft.Data.Sqlite itself uses; that library's parameters allocate for each value
/// bound.</remarks>
internal sealed class Statement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly string _owner;

    /// <summary>Prepares a statement.</summary>
    /// <exception cref="StorageFailedException">SQLite refuses.</exception>
    public Statement(sqlite3 database, string sql, string owner = SqliteFault.Outbox)
    {
        _database = database;
        _owner = owner;
        SqliteFault.Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement), database, sql, owner);
    }

    /// <summary>Binds a number.</summary>
    public Statement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, index, value));
        return this;
    }

    /// <summary>Binds bytes; none are bound as an empty blob.</summary>
    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(_statement, index, 0) : raw.sqlite3_bind_blob(_statement, index, value));
        return this;
    }

    /// <summary>Binds a text.</summary>
    public Statement Bind(int index, string value)
    {
        Check(raw.sqlite3_bind_text(_statement, index, value));
        return this;
    }

    /// <summary>Binds a number, or null where there is none.</summary>
    public Statement Bind(int index, long? value)
    {
        Check(value is { } number ? raw.sqlite3_bind_int64(_statement, index, number) : raw.sqlite3_bind_null(_statement, index));
        return this;
    }

    /// <summary>Goes to the next row; false at the end.</summary>
    public bool Step()
    {
        int code = raw.sqlite3_step(_statement);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        if (code != raw.SQLITE_DONE)
        {
            raw.sqlite3_reset(_statement);
            SqliteFault.Check(code, _database, "step", _owner);
        }

        return false;
    }

    /// <summary>Runs a statement that gives no rows, and makes it ready for the next use.</summary>
    public void Run()
    {
        while (Step())
        {
        }

        Reset();
    }

    /// <summary>A number of the current row.</summary>
    public long Long(int column) => raw.sqlite3_column_int64(_statement, column);

    /// <summary>Whether the current row has nothing there.</summary>
    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    /// <summary>Bytes of the current row, valid until the next step.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(_statement, column);

    /// <summary>A text of the current row.</summary>
    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string() ?? string.Empty;

    /// <summary>Ends reading.</summary>
    public void Reset() => raw.sqlite3_reset(_statement);

    /// <inheritdoc/>
    public void Dispose() => _statement.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteFault.Check(code, _database, "bind", _owner);
        }
    }
}

/// <summary>SQLite said no.</summary>
internal static class SqliteFault
{
    /// <summary>Whose file it is, as messages name it, where nothing else is said.</summary>
    public const string Outbox = "outbox";

    private const string CodeName = "SQLite";
    private const int IoRead = raw.SQLITE_IOERR | (1 << 8);
    private const int IoShortRead = raw.SQLITE_IOERR | (2 << 8);
    private const int IndexHasNoRoom = raw.SQLITE_IOERR | (19 << 8);     // SQLITE_IOERR_SHMSIZE

    /// <summary>Throws unless the code is fine.</summary>
    /// <exception cref="StorageFailedException">It is not.</exception>
    /// <exception cref="DamagedOutboxException">The file is no database, or damaged.</exception>
    public static void Check(int code, sqlite3? database, string what, string owner = Outbox)
    {
        if (code is raw.SQLITE_OK or raw.SQLITE_DONE or raw.SQLITE_ROW)
        {
            return;
        }

        string said = database is null ? "SQLite" : raw.sqlite3_errmsg(database).utf8_to_string();
        string message = $"{owner}: {what}: {said} ({code})";
        Exception fault = (code & 0xFF) is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB ? new DamagedOutboxException(message)
            : new StorageFailedException(message) { IsFull = (code & 0xFF) == raw.SQLITE_FULL || code == IndexHasNoRoom };
        fault.Data[CodeName] = code;
        throw fault;
    }

    /// <summary>Whether it tells of damage when a file is opened: there the disk should be able to read all places, and tables be made as
    /// this program makes them.</summary>
    public static bool IsDamage(Exception fault) => fault is DamagedOutboxException
        || (fault is StorageFailedException && fault.Data[CodeName] is int code
            && (code is IoRead or IoShortRead || (code & 0xFF) == raw.SQLITE_ERROR));
}

/// <summary>The file is no database, or a damaged one: it is moved aside when the outbox opens.</summary>
internal sealed class DamagedOutboxException(string message) : Exception(message);
