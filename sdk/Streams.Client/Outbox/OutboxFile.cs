using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Opening the outbox's file. One that is damaged is never used and never deleted: what can be read of it is saved into a new
/// one.</summary>
internal static class OutboxFile
{
    /// <summary>Opens the file, or a new one when it is missing; saves what can be read when it is damaged.</summary>
    /// <param name="path">The file; the caller holds its lock.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">Where a new producer's id would come from.</param>
    /// <param name="logger">Where to tell.</param>
    /// <param name="saved">What came of saving it; <see langword="null"/> when it is sound.</param>
    /// <exception cref="StorageFailedException">It cannot be opened, or is damaged and cannot be saved now: nothing was
    /// changed.</exception>
    public static OutboxDatabase Open(string path, TimeProvider time, Random chance, ILogger logger, out SalvageReport? saved)
    {
        saved = null;
        OutboxSalvage.Finish(path);
        try
        {
            return OpenSound(path, logger);
        }
        catch (DamagedOutboxException e)
        {
            saved = OutboxSalvage.Run(path, e.Message, time, chance, logger);
        }

        try
        {
            return OpenSound(path, logger);
        }
        catch (DamagedOutboxException e)
        {
            throw new StorageFailedException(e.Message, e);
        }
    }

    /// <summary>Opens the file.</summary>
    /// <exception cref="DamagedOutboxException">It is damaged: nothing was written to it.</exception>
    /// <exception cref="StorageFailedException">It cannot be opened.</exception>
    public static OutboxDatabase OpenSound(string path, ILogger logger)
    {
        LookAtFiles(path, logger);
        OutboxDatabase database = new(path, writable: true);
        try
        {
            if (OutboxLook.FaultOf(database) is { } fault)
            {
                throw new DamagedOutboxException($"outbox: {fault}");
            }

            database.CreateSchema();
            database.Execute("INSERT INTO meta(key, value) VALUES('clean', 0) ON CONFLICT(key) DO UPDATE SET value=0");
            return database;
        }
        catch (Exception e)
        {
            database.Abandon();
            if (e is not DamagedOutboxException && SqliteFault.IsDamage(e))
            {
                throw new DamagedOutboxException(e.Message);
            }

            throw;
        }
    }

    // Before SQLite has them: it would take what is behind a damaged place in the journal for a torn end, and write the rest back.
    private static void LookAtFiles(string path, ILogger logger)
    {
        using PageSource source = new(path);
        if (source.Journal.Gone > 0)
        {
            ClientLog.JournalShort(logger, path, source.Journal.Gone);
        }

        if (source.Journal.Fault is { } fault)
        {
            throw new DamagedOutboxException($"outbox: {fault}");
        }

        if (!source.IsEmpty && source.FaultInHead() is { } head)
        {
            throw new DamagedOutboxException($"outbox: {head}");
        }
    }
}
