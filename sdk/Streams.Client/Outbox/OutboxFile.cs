using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Opening the outbox's file: a damaged one is moved aside, never used and never deleted.</summary>
internal static class OutboxFile
{
    /// <summary>Opens the file, or a new one when it is missing or damaged.</summary>
    /// <exception cref="StorageFailedException">It cannot be opened.</exception>
    public static OutboxDatabase Open(string path, TimeProvider time, ILogger logger)
    {
        try
        {
            return OpenChecked(path);
        }
        catch (DamagedOutboxException e)
        {
            string aside = MoveAside(path, time);
            ClientLog.OutboxDamaged(logger, path, aside, e.Message);
        }

        try
        {
            return OpenChecked(path);
        }
        catch (DamagedOutboxException e)
        {
            throw new StorageFailedException(e.Message, e);
        }
    }

    private static OutboxDatabase OpenChecked(string path)
    {
        OutboxDatabase database = new(path, writable: true);
        try
        {
            database.CreateSchema();
            bool clean = database.Scalar("SELECT value FROM meta WHERE key='clean'") == 1;
            if (!clean && database.ScalarText("PRAGMA quick_check(1)") is var verdict && verdict != "ok")
            {
                throw new DamagedOutboxException($"outbox: {verdict}");
            }

            database.Execute("INSERT INTO meta(key, value) VALUES('clean', 0) ON CONFLICT(key) DO UPDATE SET value=0");
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private static string MoveAside(string path, TimeProvider time)
    {
        string aside = $"{path}.damaged-{time.GetUtcNow():yyyyMMdd-HHmmss}";
        for (int n = 2; File.Exists(aside); n++)
        {
            aside = $"{path}.damaged-{time.GetUtcNow():yyyyMMdd-HHmmss}-{n}";
        }

        foreach (string suffix in new[] { string.Empty, "-wal", "-shm" })
        {
            if (File.Exists(path + suffix))
            {
                File.Move(path + suffix, aside + suffix);
            }
        }

        return aside;
    }
}
