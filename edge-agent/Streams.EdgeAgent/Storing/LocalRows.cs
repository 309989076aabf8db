using System.Buffers;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Single rows, read the same way by the writer, who sees its own transaction, and by readers.</summary>
internal static class LocalRows
{
    /// <summary>A consumer's cursor.</summary>
    public static Cursor Cursor(LocalConnection db, ConsumerName consumer, StreamPartition partition)
    {
        Statement select = db.Use("SELECT cursor FROM cursors WHERE consumer=?1 AND stream=?2 AND partition=?3")
            .Bind(1, consumer.Value).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value);
        byte[]? bytes = select.Step() ? select.Blob(0).ToArray() : null;
        select.Reset();
        return bytes is null ? Core.Cursor.Start : Parse(bytes);
    }

    /// <summary>A register, removed ones included.</summary>
    public static RegisterFact? Register(LocalConnection db, StreamPath stream, string key)
    {
        Statement select = db.Use("SELECT at, cluster, value FROM registers WHERE stream=?1 AND key=?2")
            .Bind(1, stream.Value).Bind(2, key);
        RegisterFact? fact = select.Step() ? Fact(select, key, 0) : null;
        select.Reset();
        return fact;
    }

    /// <summary>The fact that stands in the columns from one on: at, cluster, value.</summary>
    public static RegisterFact Fact(Statement row, string key, int column) => new(key,
        new HybridTimestamp(unchecked((ulong)row.Long(column)), ClusterName.Parse(row.Text(column + 1))), row.Blob(column + 2).ToArray());

    /// <summary>A cursor's bytes.</summary>
    public static ReadOnlyMemory<byte> Bytes(Cursor cursor)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        cursor.Write(ref writer);
        return output.WrittenMemory;
    }

    private static Cursor Parse(byte[] bytes)
    {
        ByteReader reader = new(bytes);
        Cursor cursor = Core.Cursor.Read(ref reader);
        return reader.AtEnd ? cursor : throw new StorageFailedException($"{LocalSchema.Owner}: a cursor is damaged");
    }
}
