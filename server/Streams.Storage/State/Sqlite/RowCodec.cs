using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What a row of the state file holds.</summary>
internal enum RowKind
{
    /// <summary>A <see cref="StateItem"/>.</summary>
    Item = 1,

    /// <summary>How far a lane had come: a witness against a log that lost its end.</summary>
    LaneHead = 2,

    /// <summary>The origin written under, and the log position up to which all rows hold.</summary>
    Applied = 3,

    /// <summary>Which event is a topic's retained message, and where in the log it stands.</summary>
    Retained = 4,
}

/// <summary>A row: its key says what it is about, its value what is so.</summary>
internal readonly record struct StateRow(RowKind Kind, byte[] Key, byte[] Value)
{
    /// <summary>CRC-32C of all of it: the file's own format would not see a flipped bit, and a wrong run would make producers drop
    /// events.</summary>
    public uint Checksum => Crc32C.Compute(Value, Crc32C.Compute(Key, (uint)Kind));
}

/// <summary>Writes and reads the rows of the state file.</summary>
internal static class RowCodec
{
    private delegate void Fill(ref ByteWriter writer);

    public static StateRow Applied(Origin? own, long position) => new(RowKind.Applied, [], Bytes((ref ByteWriter writer) =>
    {
        writer.UInt64((ulong)position);
        writer.Byte(own is null ? (byte)0 : (byte)1);
        if (own is { } origin)
        {
            writer.Origin(origin);
        }
    }));

    public static bool TryReadApplied(byte[] value, out Origin? own, out long position)
    {
        ByteReader reader = new(value);
        position = reader.Count64();
        own = reader.Byte() == 1 ? reader.Origin() : null;
        return reader.AtEnd;
    }

    public static StateRow LaneHead(LaneStatus lane) => new(RowKind.LaneHead, Bytes((ref ByteWriter writer) => writer.Lane(lane.Lane)),
        Bytes((ref ByteWriter writer) =>
        {
            writer.Entry(lane.NextEntry);
            writer.Offset(lane.NextOffset);
        }));

    public static bool TryReadLaneHead(byte[] key, byte[] value, out LaneId lane, out EntryNumber next, out Offset nextOffset)
    {
        ByteReader reader = new(key);
        lane = reader.Lane();
        ByteReader head = new(value);
        next = head.Entry();
        nextOffset = head.Offset();
        return reader.AtEnd && head.AtEnd;
    }

    public static StateRow Retained(StreamPath stream, ReadOnlyMemory<byte> topic, RetainedMark mark) => new(RowKind.Retained,
        Bytes((ref ByteWriter writer) =>
        {
            writer.Text(stream.Value);
            writer.Block(topic.Span);
        }), Bytes((ref ByteWriter writer) =>
        {
            writer.Lane(mark.Lane);
            writer.Offset(new Offset(mark.Offset));
            writer.UInt64((ulong)mark.Timestamp);
            writer.Byte(mark.HasMessage ? (byte)1 : (byte)0);
            writer.Varint((ulong)mark.Position);
        }));

    public static bool TryReadRetained(byte[] key, byte[] value, out StreamPath stream, out ReadOnlyMemory<byte> topic,
        out RetainedMark mark)
    {
        ByteReader name = new(key);
        stream = name.Stream();
        topic = name.Block(TopicName.MaxBytes);
        ByteReader reader = new(value);
        mark = new RetainedMark(reader.Lane(), reader.Offset().Value, (long)reader.UInt64(), reader.Byte() == 1,
            reader.Varint(long.MaxValue));
        return name.AtEnd && reader.AtEnd && mark.Lane.Partition.Stream == stream;
    }

    public static IEnumerable<StateRow> All(StateRows rows) => rows.Retained.Select(static r => Retained(r.Stream, r.Topic, r.Mark))
        .Concat(Items(rows)).Concat(rows.Lanes.Select(LaneHead)).Append(Applied(rows.OwnOrigin, rows.Position));

    public static IEnumerable<StateRow> Items(StateRows rows)
    {
        foreach (Origin origin in rows.Origins)
        {
            yield return Item(StateItems.Of(origin), (ref ByteWriter writer) => writer.Text(origin.Cluster.Value));
        }

        foreach ((StreamPartition partition, ConsumerName consumer, Cursor cursor) in rows.Cursors)
        {
            yield return Item(StateItems.Of(partition, consumer, cursor), (ref ByteWriter writer) =>
            {
                writer.StreamPartition(partition);
                writer.Text(consumer.Value);
            });
        }

        foreach ((StreamPath stream, RegisterFact fact) in rows.Registers)
        {
            yield return Item(StateItems.Of(stream, fact), (ref ByteWriter writer) =>
            {
                writer.Text(stream.Value);
                writer.Text(fact.Key);
            });
        }

        foreach ((StreamPath stream, TopicFact fact) in rows.Topics)
        {
            yield return Item(new StateItem(StateKind.Topics, new StreamPartition(stream, default), TopicFacts.Write([fact])),
                (ref ByteWriter writer) =>
            {
                writer.Text(stream.Value);
                writer.Text(fact.Topic.Value);
            });
        }

        foreach ((StreamPartition partition, HeldRun run) in rows.Runs)
        {
            yield return Item(StateItems.Of(partition, run), (ref ByteWriter writer) =>
            {
                writer.StreamPartition(partition);
                writer.Producer(run.Run.Producer);
                writer.UInt64(run.Run.Epoch);
                writer.Origin(run.Origin);
                writer.Offset(run.FirstOffset);       // a run grows at its end and keeps its row
            });
        }
    }

    public static bool TryReadItem(byte[] value, out StateItem item) => RecordBodies.TryReadItem(value, out item);

    private static StateRow Item(StateItem item, Fill key)
    {
        byte[] name = Bytes((ref ByteWriter writer) =>
        {
            writer.Byte((byte)item.Kind);
            key(ref writer);
        });
        return new StateRow(RowKind.Item, name, Bytes((ref ByteWriter writer) => item.Write(ref writer)));
    }

    private static byte[] Bytes(Fill fill)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        fill(ref writer);
        return output.WrittenSpan.ToArray();
    }
}
