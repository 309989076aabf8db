using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>The keys of an outbox. A row says under which it is sealed by the key's own number, which follows from the key: so a wrong key
/// is never taken for the right one, nor its rows for damaged ones.</summary>
/// <remarks>Does not change once it is loaded; safe for use by many threads. The table <c>keys</c> has the name of each number.</remarks>
internal sealed class SealKeys
{
    /// <summary>The statement that makes the table: an outbox in which nothing is sealed does without.</summary>
    public const string Schema = "CREATE TABLE IF NOT EXISTS keys(id INTEGER PRIMARY KEY, name TEXT NOT NULL);";

    private readonly Dictionary<long, byte[]> _keys = [];

    private SealKeys()
    {
    }

    /// <summary>The number of the key that new rows are sealed under; 0 when there is none.</summary>
    public long Current { get; private set; }

    /// <summary>The numbers of all keys, the current one first.</summary>
    public IEnumerable<long> All => _keys.Keys.OrderBy(k => k != Current);

    /// <summary>Keys for reading, whatever a file says of them.</summary>
    public static SealKeys Of(IEnumerable<byte[]> keys)
    {
        SealKeys all = new();
        foreach (byte[] key in keys)
        {
            all.Current = all.Add(key);
        }

        return all;
    }

    /// <summary>The keys of an outbox that is opened; <see langword="null"/> when nothing in it is sealed, nor is to be.</summary>
    /// <exception cref="ConfigurationException">A key is missing, or another than the rows were sealed under. Nothing was
    /// changed.</exception>
    /// <exception cref="StorageFailedException">The key cannot be had now, or the disk refuses.</exception>
    public static SealKeys? Load(OutboxDatabase database, string path, OutboxEncryption? encryption)
    {
        SealKeys keys = new();
        if (encryption is not null)
        {
            keys.Current = keys.Add(KeyOf(path, encryption, encryption.KeyId)
                ?? throw new ConfigurationException(
                    $"outbox {path}: OutboxEncryption.Key gives no key for the current id '{encryption.KeyId}'"));
        }

        List<long> unused = [];
        foreach ((long id, string name) in Names(database))
        {
            if (id == keys.Current)
            {
                continue;
            }

            if (!IsUsed(database, id))
            {
                unused.Add(id);
                continue;
            }

            byte[] key = (encryption is null ? null : KeyOf(path, encryption, name)) ?? throw new ConfigurationException(
                $"outbox {path}: events in it are sealed under the key '{name}', which "
                + (encryption is null ? "needs OutboxEncryption" : "OutboxEncryption.Key does not give")
                + ". They are kept; open it with that key");
            if (keys.Add(key) != id)
            {
                throw new ConfigurationException($"outbox {path}: the key given for '{name}' is another than the one that events in it are"
                    + " sealed under. They are kept; open it with the right one");
            }
        }

        if (unused.Count > 0 || (encryption is not null && !Names(database).Contains((keys.Current, encryption.KeyId))))
        {
            Write(database, unused, keys.Current, encryption?.KeyId);
        }

        return keys._keys.Count == 0 ? null : keys;
    }

    // With the copy of them, in one transaction: else a kill between would look like damage.
    private static void Write(OutboxDatabase database, List<long> unused, long current, string? name)
    {
        database.Execute("BEGIN IMMEDIATE");
        database.Execute(Schema);
        foreach (long id in unused)
        {
            using Statement delete = database.Prepare("DELETE FROM keys WHERE id=?");
            delete.Bind(1, id).Run();
        }

        if (name is not null)
        {
            using Statement insert = database.Prepare("INSERT OR REPLACE INTO keys(id, name) VALUES(?, ?)");
            insert.Bind(1, current).Bind(2, name).Run();
        }

        using (Statement copy = database.Prepare(OutboxCopies.Insert))
        {
            OutboxCopies.Write(copy, OutboxCopies.Keys, OutboxCopies.KeysOf(database));
        }

        database.Execute("COMMIT");
    }

    /// <summary>The names of keys that a file has, by their numbers.</summary>
    public static List<(long Id, string Name)> Names(OutboxDatabase database)
    {
        List<(long, string)> names = [];
        if (database.Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='keys'") == 0)
        {
            return names;
        }

        using Statement select = database.Prepare("SELECT id, name FROM keys ORDER BY id");
        while (select.Step())
        {
            names.Add((select.Long(0), select.Text(1)));
        }

        return names;
    }

    /// <summary>The key of a number; empty when it is not known.</summary>
    public ReadOnlySpan<byte> Key(long id) => _keys.GetValueOrDefault(id);

    /// <summary>A number for a name that only who has the key can tell from others.</summary>
    public long Slot(long id, ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_keys[id], "streams outbox slot"u8, hash);
        HMACSHA256.HashData(hash, name, hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash);
    }

    private static long NumberOf(byte[] key)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, "streams outbox key"u8, hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash) | 1;        // never 0
    }

    private static byte[]? KeyOf(string path, OutboxEncryption encryption, string name)
    {
        byte[]? key;
        try
        {
            key = encryption.Key(name);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new StorageFailedException($"outbox {path}: the key '{name}' cannot be had: {e.Message}", e);
        }

        return key is null or { Length: OutboxEncryption.KeyBytes } ? key : throw new ConfigurationException(
            $"outbox {path}: the key '{name}' has {key.Length} bytes: it must have {OutboxEncryption.KeyBytes}");
    }

    // A look through all rows, made only while there are names of earlier keys.
    private static bool IsUsed(OutboxDatabase database, long id)
    {
        foreach (string table in new[] { "events", "staged", "refused" })
        {
            using Statement select = database.Prepare($"SELECT 1 FROM {table} WHERE seal=? LIMIT 1");
            if (select.Bind(1, id).Step())
            {
                return true;
            }
        }

        return false;
    }

    private long Add(byte[] key)
    {
        long id = NumberOf(key);
        _keys[id] = [.. key];
        return id;
    }
}
