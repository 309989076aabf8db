using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The tables of the store's file; drawn in docs/agent-store.md.</summary>
internal static class LocalSchema
{
    /// <summary>What messages call the file.</summary>
    public const string Owner = "agent store";

    /// <summary>The format that this program reads and writes.</summary>
    public const int Format = 2;

    /// <summary>Bits of an entry's row id that hold its base offset; the row id of its lane stands above them.</summary>
    private const int OffsetBits = 40;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS lanes(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, partition INTEGER NOT NULL, origin TEXT NOT NULL,
            first_entry INTEGER NOT NULL, next_entry INTEGER NOT NULL, first_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL,
            bytes INTEGER NOT NULL, at INTEGER NOT NULL, own INTEGER NOT NULL, sent INTEGER NOT NULL, UNIQUE(stream, partition, origin));
        CREATE TABLE IF NOT EXISTS entries(id INTEGER PRIMARY KEY, number INTEGER NOT NULL, events INTEGER NOT NULL, at INTEGER NOT NULL,
            after BLOB NOT NULL, body BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS runs(producer BLOB NOT NULL, lane INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL,
            offset INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(producer, lane, epoch, first, offset)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS clients(id INTEGER PRIMARY KEY, producer BLOB NOT NULL UNIQUE, name TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS sequences(client INTEGER NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL,
            last INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(client, stream, partition)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS cursors(consumer TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, cursor BLOB NOT NULL,
            PRIMARY KEY(consumer, stream, partition)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS registers(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
            cluster TEXT NOT NULL, value BLOB NOT NULL, UNIQUE(stream, key));
        CREATE TABLE IF NOT EXISTS retained(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, topic BLOB NOT NULL, lane INTEGER NOT NULL,
            offset INTEGER NOT NULL, at INTEGER NOT NULL, is_there INTEGER NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL,
            payload BLOB NOT NULL, UNIQUE(stream, topic));
        CREATE TABLE IF NOT EXISTS stands(producer BLOB NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, places BLOB NOT NULL,
            at INTEGER NOT NULL, PRIMARY KEY(producer, stream, partition)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS refused(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, partition INTEGER NOT NULL, at INTEGER NOT NULL,
            cluster TEXT NOT NULL, reason TEXT NOT NULL, batch BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS routes(id INTEGER PRIMARY KEY, decided TEXT NOT NULL UNIQUE);
        CREATE TABLE IF NOT EXISTS ways(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, route INTEGER NOT NULL, turn INTEGER NOT NULL,
            stream TEXT NOT NULL, partition INTEGER NOT NULL, client INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL,
            opening INTEGER NOT NULL, since INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS ways_turn ON ways(state, route, turn);
        CREATE TABLE IF NOT EXISTS latest(route INTEGER NOT NULL, stream TEXT NOT NULL, topic BLOB NOT NULL, key BLOB NOT NULL,
            id INTEGER NOT NULL, PRIMARY KEY(route, stream, topic, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS lost(id INTEGER PRIMARY KEY, stream TEXT NOT NULL, partition INTEGER NOT NULL, topic BLOB NOT NULL,
            reason INTEGER NOT NULL, events INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            UNIQUE(stream, partition, topic, reason));
        CREATE TABLE IF NOT EXISTS ages(opening INTEGER PRIMARY KEY, length INTEGER NOT NULL, dark INTEGER NOT NULL, wall INTEGER NOT NULL,
            since INTEGER NOT NULL, boot TEXT NOT NULL, steady INTEGER NOT NULL);
        """;

    /// <summary>Most lanes: their row ids stand above the offsets.</summary>
    public const int MaxLanes = 1 << 22;

    /// <summary>Most events of a lane: a thousand a second for 34 years.</summary>
    public const long MaxOffset = (1L << OffsetBits) - 1;

    /// <summary>Row id of the entry of a lane that begins at an offset.</summary>
    public static long EntryId(long lane, long offset) => (lane << OffsetBits) | Math.Min(offset, MaxOffset);

    /// <summary>Where events that tell of gaps stand until they go up: devices do not see it.</summary>
    public static readonly StreamPath GapStream = StreamPath.Parse("/$gaps");

    /// <summary>The row id of the lane in an entry's row id.</summary>
    public static long LaneRowOf(long id) => id >> OffsetBits;

    /// <summary>The offset in an entry's row id.</summary>
    public static long OffsetOf(long id) => id & MaxOffset;

    /// <summary>Makes the tables that are missing and sees to the format.</summary>
    /// <exception cref="StorageFailedException">The file was made by a newer program.</exception>
    public static void Create(OutboxDatabase database)
    {
        long format = database.Scalar("PRAGMA user_version");
        if (format > Format)
        {
            throw new StorageFailedException($"{Owner}: the file has format {format}, this program reads up to {Format}");
        }

        database.Execute("BEGIN IMMEDIATE");
        database.Execute(Tables);
        database.Execute($"PRAGMA user_version={Format}");
        database.Execute("COMMIT");
    }
}
