using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Second copies of what an outbox cannot do without (table <c>copies</c>), each with a checksum: whose outbox it is, which number
/// stands for which partition, where its tables begin. Written when something of it changes, which is seldom; read when the file is opened,
/// and when it is damaged.</summary>
internal static class OutboxCopies
{
    /// <summary>The row of the producer's id; those of partitions have the partitions' numbers.</summary>
    public const long Producer = 0;

    /// <summary>The row of the format and the tables' first pages.</summary>
    public const long Roots = -1;

    /// <summary>The row of the names of keys.</summary>
    public const long Keys = -2;

    private const string Made = ":made";

    /// <summary>The statement that makes the table.</summary>
    public const string Schema = "CREATE TABLE IF NOT EXISTS copies(id INTEGER PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL);";

    /// <summary>The statement that writes a copy.</summary>
    public const string Insert = "INSERT OR REPLACE INTO copies(id, body, crc) VALUES(?, ?, ?)";

    /// <summary>The checksum of a copy.</summary>
    public static long Check(long id, ReadOnlySpan<byte> body)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, id);
        return Crc32C.Compute(body, Crc32C.Compute(number));
    }

    /// <summary>The copy of which partition a number stands for.</summary>
    public static byte[] Of(StreamPartition partition)
    {
        byte[] body = new byte[4 + Encoding.UTF8.GetByteCount(partition.Stream.Value)];
        BinaryPrimitives.WriteInt32LittleEndian(body, partition.Partition.Value);
        Encoding.UTF8.GetBytes(partition.Stream.Value, body.AsSpan(4));
        return body;
    }

    /// <summary>The copy of a producer's id.</summary>
    public static byte[] Of(ProducerId producer)
    {
        byte[] body = new byte[ProducerId.Size];
        producer.Write(body);
        return body;
    }

    /// <summary>Reads which partition a number stands for; <see langword="null"/> when the bytes say none.</summary>
    public static StreamPartition? Partition(ReadOnlySpan<byte> body) =>
        body.Length > 4 && BinaryPrimitives.ReadInt32LittleEndian(body) is >= 0 and < PartitionId.MaxCount and var number
        && StreamPath.TryParse(Encoding.UTF8.GetString(body[4..]), out StreamPath stream, out _)
            ? new StreamPartition(stream, new PartitionId(number)) : null;

    /// <summary>The copy of where the tables of a file begin.</summary>
    public static byte[] RootsOf(OutboxDatabase database)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"format={OutboxDatabase.Format}");
        foreach ((string name, long root, long check) in Tables(database))
        {
            text.Append(CultureInfo.InvariantCulture, $" {name}={root} {name}{Made}={check}");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Whether the tables named in a copy are where they were, and made as they were; there may be more.</summary>
    public static bool FitsRoots(OutboxDatabase database, byte[] body)
    {
        Dictionary<string, long> now = [];
        foreach ((string name, long root, long check) in Tables(database))
        {
            (now[name], now[name + Made]) = (root, check);
        }

        return ReadRoots(body).All(was => was.Name == "format" || (now.TryGetValue(was.Name, out long value) && value == was.Root));
    }

    private static List<(string Name, long Root, long Check)> Tables(OutboxDatabase database)
    {
        List<(string, long, long)> tables = [];
        using Statement select = database.Prepare("SELECT name, rootpage, type || ' ' || tbl_name || ' ' || coalesce(sql, '')"
            + " FROM sqlite_master WHERE rootpage > 0 ORDER BY name");
        while (select.Step())
        {
            tables.Add((select.Text(0), select.Long(1), Crc32C.Compute(Encoding.UTF8.GetBytes(select.Text(2)))));
        }

        return tables;
    }

    /// <summary>The copy of the names of keys.</summary>
    public static byte[] KeysOf(OutboxDatabase database) => Encoding.UTF8.GetBytes(string.Join(' ', SealKeys.Names(database)
        .Select(static k => string.Create(CultureInfo.InvariantCulture, $"{k.Name}={k.Id}"))));

    /// <summary>Reads the names of keys.</summary>
    public static IEnumerable<(long Id, string Name)> ReadKeys(byte[] body)
    {
        foreach (string part in Encoding.UTF8.GetString(body).Split(' '))
        {
            int at = part.IndexOf('=', StringComparison.Ordinal);
            if (at > 0 && long.TryParse(part.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long id))
            {
                yield return (id, part[..at]);
            }
        }
    }

    /// <summary>Reads where tables begin, and under <c>format</c> the format.</summary>
    public static IEnumerable<(string Name, uint Root)> ReadRoots(byte[] body)
    {
        foreach (string part in Encoding.UTF8.GetString(body).Split(' '))
        {
            int at = part.IndexOf('=', StringComparison.Ordinal);
            if (at > 0 && uint.TryParse(part.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint root))
            {
                yield return (part[..at], root);
            }
        }
    }

    /// <summary>The copies of a file that match their checksums; none when it has no such table.</summary>
    public static Dictionary<long, byte[]> Load(OutboxDatabase database)
    {
        Dictionary<long, byte[]> copies = [];
        if (database.Scalar("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='copies'") > 0)
        {
            using Statement select = database.Prepare("SELECT id, body, crc FROM copies");
            while (select.Step())
            {
                if (select.Long(2) == Check(select.Long(0), select.Blob(1)))
                {
                    copies[select.Long(0)] = select.Blob(1).ToArray();
                }
            }
        }

        return copies;
    }

    /// <summary>Writes the copies that are missing or differ, and the checksums of counts in rows of earlier formats.</summary>
    public static void Keep(OutboxDatabase database, ProducerId producer, IEnumerable<PartitionRow> partitions)
    {
        Dictionary<long, byte[]> kept = Load(database);
        List<(long Id, byte[] Body)> wanted = [(Roots, RootsOf(database)), (Producer, Of(producer)), (Keys, KeysOf(database))];
        foreach (PartitionRow row in partitions)
        {
            row.HasCopy = true;
            wanted.Add((row.Id, Of(row.Partition)));
        }

        wanted.RemoveAll(copy => kept.TryGetValue(copy.Id, out byte[]? body) && body.AsSpan().SequenceEqual(copy.Body));
        bool counts = database.Scalar("SELECT (SELECT count(*) FROM partitions WHERE countcheck IS NULL)"
            + " + (SELECT count(*) FROM stages WHERE countcheck IS NULL)") > 0;
        if (wanted.Count == 0 && !counts)
        {
            return;
        }

        database.Execute("BEGIN IMMEDIATE");
        using (Statement insert = database.Prepare(Insert))
        {
            foreach ((long id, byte[] body) in wanted)
            {
                Write(insert, id, body);
            }
        }

        if (counts)
        {
            CheckCounts(database);
        }

        database.Execute("COMMIT");
    }

    /// <summary>Writes a copy.</summary>
    public static void Write(Statement insert, long id, byte[] body) => insert.Bind(1, id).Bind(2, body).Bind(3, Check(id, body)).Run();

    /// <summary>Makes the checksums of all counts anew, inside the running transaction.</summary>
    public static void CheckCounts(OutboxDatabase database)
    {
        List<(long Id, long Sum)> sums = [];
        foreach (string table in new[] { "partitions", "stages" })
        {
            bool ofStage = table == "stages";
            string id = ofStage ? "partition" : "id";
            sums.Clear();
            using (Statement select = database.Prepare($"SELECT {id}, next, {(ofStage ? "rows" : "events")}, bytes FROM {table}"))
            {
                while (select.Step())
                {
                    sums.Add((select.Long(0), ofStage
                        ? CountCheck.OfStage(select.Long(0), select.Long(1), select.Long(2), select.Long(3))
                        : CountCheck.Of(select.Long(0), select.Long(1), select.Long(2), select.Long(3))));
                }
            }

            using Statement update = database.Prepare($"UPDATE {table} SET countcheck=? WHERE {id}=?");
            foreach ((long row, long sum) in sums)
            {
                update.Bind(1, sum).Bind(2, row).Run();
            }
        }
    }
}
