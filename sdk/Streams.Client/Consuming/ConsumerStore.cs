using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>What is kept of one partition of a consumer.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Cursor">The local cursor.</param>
/// <param name="Waits">Waits that have begun (R15).</param>
/// <param name="Given">Ranges given (R17): all of them when loaded, the changed ones when saved.</param>
internal sealed record KeptPartition(PartitionId Partition, Cursor Cursor, IReadOnlyList<KeptWait> Waits, IReadOnlyList<KeptRuns> Given);

/// <summary>Consumers in the outbox's file: cursor and ranges given change in one transaction (R17).</summary>
internal static class ConsumerStore
{
    private const int MaxWaits = Cursor.MaxLanes;

    /// <summary>Finds the consumer, or begins it, and reads what is kept of it.</summary>
    public static (long Id, IReadOnlyList<KeptPartition> Partitions) Load(OutboxTransaction transaction, ConsumerName name,
        StreamPath stream)
    {
        using Statement insert = transaction.Database.Prepare("INSERT OR IGNORE INTO consumers(name, stream) VALUES(?, ?)");
        insert.Bind(1, name.Value).Bind(2, stream.Value).Run();
        using Statement select = transaction.Database.Prepare("SELECT id FROM consumers WHERE name=? AND stream=?");
        select.Bind(1, name.Value).Bind(2, stream.Value).Step();
        long id = select.Long(0);
        select.Reset();

        List<KeptPartition> partitions = [];
        using Statement cursors = transaction.Database.Prepare(
            "SELECT partition, cursor, waits FROM cursors WHERE consumer=? ORDER BY partition");
        using Statement given = transaction.Database.Prepare(
            "SELECT producer, epoch, runs, active FROM given WHERE consumer=? AND partition=?");
        cursors.Bind(1, id);
        while (cursors.Step())
        {
            long partition = cursors.Long(0);
            List<KeptRuns> runs = [];
            given.Bind(1, id).Bind(2, partition);
            while (given.Step())
            {
                ProducerEpoch key = new(ProducerId.Read(given.Blob(0)), unchecked((ulong)given.Long(1)));
                runs.Add(new KeptRuns(key, given.Blob(2).ToArray(), given.Long(3)));
            }

            given.Reset();
            partitions.Add(new KeptPartition(new PartitionId((int)partition), ReadCursor(cursors.Blob(1).ToArray()),
                ReadWaits(cursors.Blob(2).ToArray()), runs));
        }

        return (id, partitions);
    }

    /// <summary>Keeps what changed.</summary>
    public static void Save(OutboxTransaction transaction, long consumer, IReadOnlyList<KeptPartition> partitions)
    {
        using Statement cursor = transaction.Database.Prepare(
            "INSERT OR REPLACE INTO cursors(consumer, partition, cursor, waits) VALUES(?, ?, ?, ?)");
        using Statement add = transaction.Database.Prepare(
            "INSERT OR REPLACE INTO given(consumer, partition, producer, epoch, runs, active) VALUES(?, ?, ?, ?, ?, ?)");
        using Statement remove = transaction.Database.Prepare(
            "DELETE FROM given WHERE consumer=? AND partition=? AND producer=? AND epoch=?");
        Span<byte> producer = stackalloc byte[ProducerId.Size];
        foreach (KeptPartition kept in partitions)
        {
            cursor.Bind(1, consumer).Bind(2, kept.Partition.Value).Bind(3, Wire.Of((ref ByteWriter w) => kept.Cursor.Write(ref w)).Span)
                .Bind(4, WriteWaits(kept.Waits).Span).Run();
            foreach (KeptRuns runs in kept.Given)
            {
                runs.Key.Producer.Write(producer);
                Statement statement = runs.Runs.Length == 0 ? remove : add;
                statement.Bind(1, consumer).Bind(2, kept.Partition.Value).Bind(3, producer).Bind(4, unchecked((long)runs.Key.Epoch));
                if (runs.Runs.Length > 0)
                {
                    statement.Bind(5, runs.Runs).Bind(6, runs.LastActive);
                }

                statement.Run();
            }
        }
    }

    /// <summary>Reads a kept cursor.</summary>
    /// <exception cref="InvalidFormatException">The bytes are something else.</exception>
    internal static Cursor ReadCursor(byte[] bytes)
    {
        ByteReader reader = new(bytes);
        Cursor cursor = Cursor.Read(ref reader);
        return reader.AtEnd ? cursor : throw new InvalidFormatException("outbox: a kept cursor is damaged");
    }

    private static ReadOnlyMemory<byte> WriteWaits(IReadOnlyList<KeptWait> waits) => Wire.Of((ref ByteWriter writer) =>
    {
        writer.Varint((ulong)waits.Count);
        foreach (KeptWait wait in waits)
        {
            writer.Origin(wait.Origin);
            writer.SignedVarint(wait.Since);
            writer.Varint((ulong)wait.UpTo);
            writer.Byte(wait.Expired ? (byte)1 : (byte)0);
        }
    });

    /// <summary>Reads kept waits.</summary>
    /// <exception cref="InvalidFormatException">The bytes are something else.</exception>
    internal static List<KeptWait> ReadWaits(byte[] bytes)
    {
        ByteReader reader = new(bytes);
        List<KeptWait> waits = [];
        int count = (int)reader.Varint(MaxWaits);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            waits.Add(new KeptWait(reader.Origin(), reader.SignedVarint(), reader.Varint(long.MaxValue), reader.Byte() != 0));
        }

        return reader.AtEnd ? waits : throw new InvalidFormatException("outbox: kept waits are damaged");
    }
}
