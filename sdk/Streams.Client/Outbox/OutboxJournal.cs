using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Keeps the outbox's journal (SQLite's write-ahead log) short: writes it back into the database when it has grown, when
/// nothing else is to be done, and in any case before it could go beyond its limit. Used by the writer's thread alone.</summary>
/// <remarks>Failure: what is committed stays in the journal and is safe there. A journal that cannot be written back (the disk is full, a
/// foreign reader holds it) lets nothing more in until it can be: the writer tells so and tries again.</remarks>
internal sealed class OutboxJournal(OutboxDatabase database, FileLimits limits, ILogger logger)
{
    private const int ShortWait = 50;                          // milliseconds for a reader to end what it reads
    private const int LongWait = 2000;

    private int _counted = database.PagesWritten;
    private bool _failing;
    private long _bytes;
    private long _back;

    /// <summary>Most bytes that have been written to the disk, into the journal and from there into the database.</summary>
    public long WrittenBytes => Interlocked.Read(ref _bytes);

    /// <summary>Pages in the journal.</summary>
    public long Pages { get; private set; } = limits.JournalTurn;     // of the last life: not known, so it is written back soon

    /// <summary>Makes sure that a transaction of so many pages keeps the journal within its limit.</summary>
    /// <exception cref="StorageFailedException">The journal cannot be written back now.</exception>
    public void MakeRoom(long pages)
    {
        Count();
        if (Pages > 0 && Pages + pages > limits.JournalPages && !TryWriteBack(LongWait, out string why))
        {
            throw new StorageFailedException($"{database.Owner}: its journal is full ({Pages} pages) and cannot be written back now: {why}."
                + " Try again later: nothing that was stored is lost") { IsFull = true };
        }
    }

    /// <summary>A transaction is committed.</summary>
    public void Committed()
    {
        Count();
        if (Pages >= limits.JournalTurn)
        {
            Told(TryWriteBack(ShortWait, out string why), why);
        }
    }

    /// <summary>Nothing is to be written: a good time.</summary>
    public void Idle() => Told(TryWriteBack(ShortWait, out string why), why);

    private void Count()
    {
        int written = database.PagesWritten;
        int more = unchecked(written - _counted);
        Pages += more;
        _counted = written;
        Interlocked.Add(ref _bytes, more * FileLimits.FrameBytes);
    }

    private bool TryWriteBack(int milliseconds, out string why)
    {
        bool done = database.TryWriteBack(milliseconds, out long left, out long back, out why);
        long fresh = Math.Max(back - _back, 0);                // of those that have gone back before it would count again
        _back = done ? 0 : Math.Max(back, _back);
        Interlocked.Add(ref _bytes, fresh * FileLimits.PageBytes);
        _counted = database.PagesWritten;
        Pages = done ? 0 : Math.Max(left, Pages);
        return done;
    }

    private void Told(bool done, string why)
    {
        if (!done && !_failing)
        {
            ClientLog.JournalStays(logger, database.Owner, Pages, why);
        }

        _failing = !done;
    }
}
