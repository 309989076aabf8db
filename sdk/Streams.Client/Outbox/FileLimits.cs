namespace Streams.Client;

/// <summary>How the bytes that an outbox may take on disk are shared out between the database and its journal (the write-ahead
/// log).</summary>
/// <remarks>Pure. Database, journal and index of the journal together take at most <see cref="Cap"/> and <see cref="Overshoot"/>. The
/// overshoot is used only by an event so great that it goes alone, or by the bookkeeping of an outbox that is full.</remarks>
/// <param name="Cap">Most bytes.</param>
internal readonly record struct FileLimits(long Cap)
{
    /// <summary>The least cap that the tables and a journal fit in.</summary>
    public const long LeastCap = 1 << 20;

    /// <summary>What may be taken beyond the cap: one event of the greatest size, in the database and in the journal.</summary>
    public const long Overshoot = 4 << 20;

    /// <summary>Bytes of a page.</summary>
    public const long PageBytes = 4096;

    /// <summary>Bytes of a page in the journal.</summary>
    public const long FrameBytes = PageBytes + 24;

    private const long OneEvent = 3 << 19;                     // 1 MiB of payload, key, headers, and pages half filled
    private const long IndexBytes = 64 << 10;                  // 32 KiB for each 4096 pages of the journal: it has at most 2500

    /// <summary>Most bytes of the journal: an eighth of the cap, 256 KiB to 8 MiB.</summary>
    public long JournalBytes => Math.Clamp(Cap / 8, 256 << 10, 8 << 20);

    /// <summary>Most bytes that events count in one transaction; greater events go alone.</summary>
    public long GroupBytes => JournalBytes / 8;

    /// <summary>Most bytes of the database that events may fill.</summary>
    public long EventBytes => DatabaseBytes - Spare;

    /// <summary>Most pages of the database, as SQLite itself enforces it.</summary>
    public long MaxPages => (DatabaseBytes + OneEvent) / PageBytes;

    /// <summary>Most bytes of events that may be dropped which get their sequences ahead of their sending: enough to keep a good link
    /// busy, and little beside what stays droppable.</summary>
    public long AheadBytes => Math.Clamp(Cap / 8, 64 << 10, 4 << 20);

    /// <summary>Bytes of gaps from which on they are kept for a partition, not for each topic.</summary>
    public long GapBytes => Cap / 16;

    /// <summary>Pages in the journal from which on it is written back.</summary>
    public long JournalTurn => JournalBytes / FrameBytes / 2;

    /// <summary>Most pages in the journal.</summary>
    public long JournalPages => JournalBytes / FrameBytes;

    // Confirmations, cursors and ranges given must find room in an outbox that is full of events.
    private long Spare => Math.Clamp(DatabaseBytes / 16, 128 << 10, 8 << 20);

    private long DatabaseBytes => Cap - JournalBytes - IndexBytes;

    /// <summary>Limits for an outbox of so many bytes.</summary>
    public static FileLimits For(long outboxBytes) => new(Math.Max(outboxBytes, LeastCap));

    /// <summary>Most bytes that events which count so much take in the database: a row just greater than half a page has it for
    /// itself.</summary>
    public static long WorstOf(long counted) => 2 * counted;

    /// <summary>Most bytes that one event which counts so much takes in the database: of a great one only the first and the last page
    /// are not full.</summary>
    public static long WorstOfOne(long counted) => Math.Min(WorstOf(counted), counted + (counted / 512) + (2 * PageBytes));

    /// <summary>Most pages that a transaction of events which count so much puts into the journal.</summary>
    public static long WorstPages(long counted) => 16 + (WorstOf(counted) / PageBytes);
}
