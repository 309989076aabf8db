using SQLitePCL;
using Streams.Core;

namespace Streams.Client;

/// <summary>One connection to the outbox's SQLite file. Used by one thread at a time.</summary>
/// <remarks>WAL with full synchronisation: what is committed is on stable storage, unless <see cref="Flushes"/> is off. Drawn in
/// docs/client.md.</remarks>
internal sealed class OutboxDatabase : IDisposable
{
    /// <summary>The format that this program reads and writes.</summary>
    public const int Format = 4;

    /// <summary>Bits of an event's row id that hold its sequence; the partition's row id stands above them.</summary>
    public const int SequenceBits = 44;

    private const int BusyMilliseconds = 10_000;
    private const int CacheWrite = 9;                          // SQLITE_DBSTATUS_CACHE_WRITE

    private const int NoWritingBack = 1006;                    // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS openings(epoch INTEGER PRIMARY KEY, at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS streams(stream TEXT PRIMARY KEY, partitions INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS partitions(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, partition INTEGER NOT NULL,
            next INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL, countcheck INTEGER,
            UNIQUE(stream, partition));
        CREATE TABLE IF NOT EXISTS epochs(partition INTEGER NOT NULL, first INTEGER NOT NULL, epoch INTEGER NOT NULL,
            PRIMARY KEY(partition, first)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL,
            topic BLOB NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL, payload BLOB NOT NULL, crc INTEGER, seal INTEGER);
        CREATE TABLE IF NOT EXISTS refused(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL,
            topic BLOB NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL,
            crc INTEGER, seal INTEGER);
        CREATE TABLE IF NOT EXISTS stand(partition INTEGER NOT NULL, origin TEXT NOT NULL, offset INTEGER NOT NULL, turn INTEGER NOT NULL,
            PRIMARY KEY(partition, origin)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS consumers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, stream TEXT NOT NULL, UNIQUE(name, stream));
        CREATE TABLE IF NOT EXISTS cursors(consumer INTEGER NOT NULL, partition INTEGER NOT NULL, cursor BLOB NOT NULL, waits BLOB NOT NULL,
            PRIMARY KEY(consumer, partition)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS given(consumer INTEGER NOT NULL, partition INTEGER NOT NULL, producer BLOB NOT NULL,
            epoch INTEGER NOT NULL, runs BLOB NOT NULL, active INTEGER NOT NULL,
            PRIMARY KEY(consumer, partition, producer, epoch)) WITHOUT ROWID;
        """;

    private readonly sqlite3 _handle;
    private readonly string _owner;
    private bool _flushes = true;

    static OutboxDatabase() => Batteries_V2.Init();

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="writable">Whether this connection writes.</param>
    /// <param name="owner">Whose file it is, as messages name it.</param>
    /// <exception cref="StorageFailedException">It cannot be opened.</exception>
    /// <exception cref="DamagedOutboxException">It is no database.</exception>
    public OutboxDatabase(string path, bool writable, string owner = SqliteFault.Outbox)
    {
        _owner = owner;
        int flags = (writable ? raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE : raw.SQLITE_OPEN_READWRITE) | raw.SQLITE_OPEN_NOMUTEX;
        int code = raw.sqlite3_open_v2(path, out _handle, flags, null);
        try
        {
            SqliteFault.Check(code, _handle, $"open {path}", owner);
            SqliteFault.Check(raw.sqlite3_extended_result_codes(_handle, 1), _handle, "open", owner);
            SqliteFault.Check(raw.sqlite3_busy_timeout(_handle, BusyMilliseconds), _handle, "open", owner);
            if (writable)
            {
                Execute("PRAGMA journal_mode=WAL");
                Execute("PRAGMA synchronous=FULL");
                Execute("PRAGMA wal_autocheckpoint=0");            // OutboxJournal sees to it
                Execute("PRAGMA temp_store=MEMORY");
                Execute("PRAGMA cache_size=-4096");
            }
            else
            {
                Execute("PRAGMA query_only=ON");
                Execute("PRAGMA cache_size=-2048");
            }
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    /// <summary>Makes the tables that are missing and sees to the format.</summary>
    /// <exception cref="StorageFailedException">The file was made by a newer program.</exception>
    public void CreateSchema()
    {
        long format = Scalar("PRAGMA user_version");
        if (format > Format)
        {
            throw new StorageFailedException($"outbox: the file has format {format}, this program reads up to {Format}");
        }

        Execute("BEGIN IMMEDIATE");
        AddChecks();
        Execute(Schema);
        Execute(OutboxCopies.Schema);
        Execute($"PRAGMA user_version={Format}");
        Execute("COMMIT");
    }

    // Format 2: rows of events have a checksum. Those that are there have none and stay unchecked. Format 3: counts have one too.
    // Format 4: the content may be sealed.
    private void AddChecks()
    {
        foreach ((string table, string column) in new[] { ("events", "crc"), ("refused", "crc"), ("staged", "crc"),
            ("partitions", "countcheck"), ("stages", "countcheck"), ("events", "seal"), ("refused", "seal"), ("staged", "seal") })
        {
            if (Scalar($"SELECT count(*) FROM pragma_table_info('{table}')") > 0
                && Scalar($"SELECT count(*) FROM pragma_table_info('{table}') WHERE name='{column}'") == 0)
            {
                Execute($"ALTER TABLE {table} ADD COLUMN {column} INTEGER");
                if (Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='copies'") > 0)
                {
                    Execute($"DELETE FROM copies WHERE id={OutboxCopies.Roots}");      // which says how tables are made
                }
            }
        }
    }

    /// <summary>Whose file it is, as messages name it.</summary>
    public string Owner => _owner;

    /// <summary>Whether a commit is on stable storage when it returns (the default), or in the hands of the operating system. In order: a
    /// flushed commit flushes all before it. Set outside of transactions.</summary>
    public bool Flushes
    {
        get => _flushes;
        set
        {
            if (value != _flushes)
            {
                Execute(value ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
                _flushes = value;
            }
        }
    }

    /// <summary>Pages that this connection has put into the journal; counts round after 2^31.</summary>
    public int PagesWritten
    {
        get
        {
            _ = raw.sqlite3_db_status(_handle, CacheWrite, out int written, out _, 0);
            return written;
        }
    }

    /// <summary>The database takes no more pages than these, and the journal is cut to so many bytes when it begins anew.</summary>
    public void Limit(FileLimits limits)
    {
        Execute($"PRAGMA max_page_count={limits.MaxPages}");
        Execute($"PRAGMA journal_size_limit={limits.JournalBytes}");
        _ = TryWriteBack(BusyMilliseconds, out _, out _);
    }

    /// <summary>Writes the journal back into the database, so that it begins anew; waits so long for readers.</summary>
    public bool TryWriteBack(int milliseconds, out long pagesLeft, out string why) =>
        TryWriteBack(milliseconds, out pagesLeft, out _, out why);

    /// <summary>The same.</summary>
    /// <param name="milliseconds">Longest wait for readers.</param>
    /// <param name="pagesLeft">Pages that stay in the journal.</param>
    /// <param name="pagesBack">Most pages that went into the database.</param>
    /// <param name="why">Why it cannot be done now.</param>
    public bool TryWriteBack(int milliseconds, out long pagesLeft, out long pagesBack, out string why)
    {
        _ = raw.sqlite3_busy_timeout(_handle, milliseconds);
        int code = raw.sqlite3_wal_checkpoint_v2(_handle, "main", raw.SQLITE_CHECKPOINT_RESTART, out int log, out int back);
        why = code == raw.SQLITE_OK ? string.Empty : raw.sqlite3_errmsg(_handle).utf8_to_string();
        _ = raw.sqlite3_busy_timeout(_handle, BusyMilliseconds);
        pagesLeft = code == raw.SQLITE_OK ? 0 : Math.Max(log, 0);
        pagesBack = Math.Max(back, 0);
        return code == raw.SQLITE_OK;
    }

    /// <summary>Runs statements without parameters.</summary>
    public void Execute(string sql) => SqliteFault.Check(raw.sqlite3_exec(_handle, sql), _handle, sql, _owner);

    /// <summary>Undoes the running transaction, if there is one.</summary>
    public void RollBack()
    {
        if (raw.sqlite3_get_autocommit(_handle) == 0)
        {
            _ = raw.sqlite3_exec(_handle, "ROLLBACK");
        }
    }

    /// <summary>Prepares a statement.</summary>
    public Statement Prepare(string sql) => new(_handle, sql, _owner);

    /// <summary>The first number of the first row, or 0.</summary>
    public long Scalar(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Step() ? statement.Long(0) : 0;
    }

    /// <summary>The first text of the first row, or empty.</summary>
    public string ScalarText(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Step() ? statement.Text(0) : string.Empty;
    }

    /// <summary>Row id of an event.</summary>
    public static long EventId(long partition, long sequence) => (partition << SequenceBits) | sequence;

    /// <summary>The sequence in an event's row id.</summary>
    public static long SequenceOf(long id) => id & ((1L << SequenceBits) - 1);

    /// <summary>Closes it without writing the journal back: the files stay as they are.</summary>
    public void Abandon()
    {
        _ = raw.sqlite3_db_config(_handle, NoWritingBack, 1, out _);
        _handle.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
