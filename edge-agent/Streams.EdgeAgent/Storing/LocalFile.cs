using System.Globalization;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Opening the store's file. A damaged one is moved aside, never used and never deleted, and a new one begun.</summary>
internal static class LocalFile
{
    /// <summary>Opens the file, or makes it.</summary>
    /// <returns>The connection, and where a damaged file was moved to, with what was wrong.</returns>
    /// <exception cref="StorageFailedException">It cannot be opened.</exception>
    public static (OutboxDatabase Database, string? Aside, string Reason) Open(string path, TimeProvider time)
    {
        string? aside = null;
        string reason = string.Empty;
        try
        {
            return (OpenChecked(path), null, reason);
        }
        catch (DamagedOutboxException e)
        {
            aside = MoveAside(path, time);
            reason = e.Message;
        }

        try
        {
            return (OpenChecked(path), aside, reason);
        }
        catch (DamagedOutboxException e)
        {
            throw new StorageFailedException(e.Message, e);
        }
    }

    /// <summary>Who the store is; made up where the file is new. Another name than the file's begins another incarnation.</summary>
    public static LocalIdentity Identify(OutboxDatabase database, ClusterName cluster, TimeProvider time, Random chance)
    {
        string text = database.ScalarText("SELECT value FROM meta WHERE key='origin'");
        string store = database.ScalarText("SELECT value FROM meta WHERE key='store'");
        bool isKnown = Origin.TryParse(text, out Origin origin) && origin.Cluster == cluster;
        if (!isKnown)
        {
            origin = new Origin(cluster, Incarnation.After(origin.Incarnation, time, chance));
        }

        if (!UInt128.TryParse(store, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 id))
        {
            id = ProducerId.Create(chance).Value;
        }

        LocalIdentity identity = new(origin, new ProducerId(id), (ulong)chance.NextInt64(1, long.MaxValue));
        using Statement put = database.Prepare("INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2");
        put.Bind(1, "origin").Bind(2, identity.Origin.ToString()).Run();
        put.Bind(1, "store").Bind(2, identity.Store.ToString()).Run();
        return identity;
    }

    /// <summary>Notes whether the file was closed in order: then it need not be checked when it is opened.</summary>
    public static void NoteClean(OutboxDatabase database, bool isClean) => database.Execute(
        $"INSERT INTO meta(key, value) VALUES('clean', {(isClean ? 1 : 0)}) ON CONFLICT(key) DO UPDATE SET value=excluded.value");

    private static OutboxDatabase OpenChecked(string path)
    {
        OutboxDatabase database = new(path, writable: true, LocalSchema.Owner);
        try
        {
            LocalSchema.Create(database);
            bool isClean = database.Scalar("SELECT value FROM meta WHERE key='clean'") == 1;
            if (!isClean && database.ScalarText("PRAGMA quick_check(1)") is var verdict && verdict != "ok")
            {
                throw new DamagedOutboxException($"{LocalSchema.Owner}: {verdict}");
            }

            NoteClean(database, isClean: false);
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
        string stem = $"{path}.damaged-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        string aside = stem;
        for (int n = 2; File.Exists(aside); n++)
        {
            aside = $"{stem}-{n}";
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
