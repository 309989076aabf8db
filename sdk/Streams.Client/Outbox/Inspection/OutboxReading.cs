using SQLitePCL;
using Streams.Core;

namespace Streams.Client;

/// <summary>An outbox's file opened to be looked at: neither database nor journal are ever written to, also not by closing it, and it is
/// not held against the client that may be using it. Used by one thread at a time.</summary>
/// <remarks>SQLite may leave an empty journal and its index beside the file; the next client takes them over. The client that has the file
/// open must write its journal back now and then and waits two seconds for readers: so what is read here is read in short steps, each a
/// transaction of its own, or is given up after a second (<see cref="Interruptible"/>).</remarks>
internal sealed class OutboxReading : IDisposable
{
    private const int BusyMilliseconds = 2000;

    private readonly sqlite3 _handle;

    static OutboxReading() => Batteries_V2.Init();

    private OutboxReading(string path, sqlite3 handle, (long Database, long Journal, long Index) bytes)
    {
        Path = path;
        _handle = handle;
        Bytes = bytes;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Whether a client has it open.</summary>
    public bool IsInUse => OutboxLock.IsHeld(Path);

    /// <summary>Bytes of database, journal and the journal's index on disk, before they were looked at.</summary>
    public (long Database, long Journal, long Index) Bytes { get; }

    /// <summary>Format of the file.</summary>
    public long Format { get; private set; }

    /// <summary>Opens the file.</summary>
    /// <exception cref="StorageFailedException">It is missing, cannot be opened, or is of a newer program.</exception>
    /// <exception cref="DamagedOutboxException">It is no database, or no outbox.</exception>
    public static OutboxReading Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new StorageFailedException($"outbox {path}: there is no such file");
        }

        (long, long, long) bytes = (SizeOf(path), SizeOf(path + "-wal"), SizeOf(path + "-shm"));
        OutboxReading reading = new(path, OpenHandle(path), bytes);
        try
        {
            reading.Format = reading.Scalar("PRAGMA user_version");
            if (reading.Format > OutboxDatabase.Format)
            {
                throw new StorageFailedException(
                    $"outbox {path}: the file has format {reading.Format}, this program reads up to {OutboxDatabase.Format}");
            }

            if (!reading.HasTable("events") || !reading.HasTable("partitions"))
            {
                throw new DamagedOutboxException($"outbox {path}: a database, but no outbox: it has no table of events");
            }

            return reading;
        }
        catch
        {
            reading.Dispose();
            throw;
        }
    }

    /// <summary>Prepares a statement.</summary>
    public Statement Prepare(string sql) => new(_handle, sql);

    /// <summary>The first number of the first row, or 0.</summary>
    public long Scalar(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Step() ? statement.Long(0) : 0;
    }

    /// <summary>Whether the file has such a table: newer programs add some.</summary>
    public bool HasTable(string table)
    {
        using Statement statement = Prepare("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?");
        return statement.Bind(1, table).Step();
    }

    /// <summary>Begins to read everything at one moment; until <see cref="EndMoment"/>, which must come soon.</summary>
    public void BeginMoment() => SqliteFault.Check(raw.sqlite3_exec(_handle, "BEGIN"), _handle, "begin");

    /// <summary>Ends what <see cref="BeginMoment"/> began.</summary>
    public void EndMoment() => _ = raw.sqlite3_exec(_handle, "ROLLBACK");

    /// <summary>Runs what may take long, for at most this time; false when it was cut short.</summary>
    public bool Interruptible(TimeSpan limit, TimeProvider time, Action work)
    {
        bool cut = false;
        using ITimer timer = time.CreateTimer(_ =>
        {
            cut = true;
            raw.sqlite3_interrupt(_handle);
        }, null, limit, Timeout.InfiniteTimeSpan);
        try
        {
            work();
            return true;
        }
        catch (StorageFailedException) when (cut)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static long SizeOf(string file) => new FileInfo(file) is { Exists: true } found ? found.Length : 0;

    private static sqlite3 OpenHandle(string path)
    {
        try
        {
            return Try(path);
        }
        catch (StorageFailedException) when (!File.Exists(path + "-wal") || new FileInfo(path + "-wal").Length == 0)
        {
            // A directory that may not be written to: without a journal the file alone is all there is.
            return Try("file:" + Uri.EscapeDataString(System.IO.Path.GetFullPath(path)).Replace("%2F", "/", StringComparison.Ordinal)
                + "?immutable=1");
        }
    }

    private static sqlite3 Try(string name)
    {
        int code = raw.sqlite3_open_v2(name, out sqlite3 handle,
            raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX, null);
        try
        {
            SqliteFault.Check(code, handle, $"open {name}");
            SqliteFault.Check(raw.sqlite3_extended_result_codes(handle, 1), handle, "open");
            SqliteFault.Check(raw.sqlite3_busy_timeout(handle, BusyMilliseconds), handle, "open");
            SqliteFault.Check(raw.sqlite3_exec(handle, "PRAGMA cache_size=-4096"), handle, "open");
            SqliteFault.Check(raw.sqlite3_exec(handle, "SELECT count(*) FROM sqlite_master"), handle, $"read {name}");
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }
}
