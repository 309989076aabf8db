using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A sealed run of a lane, as the log records it.</summary>
internal readonly record struct SealedRun(long FirstEntry, long FirstOffset, long NextEntry, long NextOffset, long Bytes);

/// <summary>The bodies of log records, one method to write and one to read each.</summary>
internal static class RecordBodies
{
    public static void WriteDeclared(IBufferWriter<byte> output, int number, LaneId lane)
    {
        ByteWriter writer = new(output);
        writer.Varint((ulong)number);
        writer.Lane(lane);
    }

    public static bool TryReadDeclared(ReadOnlyMemory<byte> body, out int number, out LaneId lane)
    {
        ByteReader reader = new(body);
        number = (int)reader.Varint(int.MaxValue);
        lane = reader.Lane();
        return reader.AtEnd;
    }

    public static void WriteEntry(IBufferWriter<byte> output, int lane, LaneEntry entry)
    {
        new ByteWriter(output).Varint((ulong)lane);
        EntryCodec.Write(output, entry);
    }

    public static bool TryReadEntry(ReadOnlyMemory<byte> body, out int lane, out LaneEntry? entry)
    {
        ByteReader reader = new(body);
        lane = (int)reader.Varint(int.MaxValue);
        entry = null;
        return !reader.Failed && EntryCodec.TryRead(body[reader.Position..], out entry, out _);
    }

    public static void WriteSkip(IBufferWriter<byte> output, int lane, EntryNumber first, Offset firstOffset)
    {
        ByteWriter writer = new(output);
        writer.Varint((ulong)lane);
        writer.Entry(first);
        writer.Offset(firstOffset);
    }

    public static bool TryReadSkip(ReadOnlyMemory<byte> body, out int lane, out EntryNumber first, out Offset firstOffset)
    {
        ByteReader reader = new(body);
        lane = (int)reader.Varint(int.MaxValue);
        first = reader.Entry();
        firstOffset = reader.Offset();
        return reader.AtEnd;
    }

    public static void WriteOrigin(IBufferWriter<byte> output, Origin origin)
    {
        ByteWriter writer = new(output);
        writer.Origin(origin);
    }

    public static bool TryReadOrigin(ReadOnlyMemory<byte> body, out Origin origin)
    {
        ByteReader reader = new(body);
        origin = reader.Origin();
        return reader.AtEnd;
    }

    public static void WriteItem(IBufferWriter<byte> output, StateItem item)
    {
        ByteWriter writer = new(output);
        item.Write(ref writer);
    }

    public static bool TryReadItem(ReadOnlyMemory<byte> body, out StateItem item)
    {
        ByteReader reader = new(body);
        item = StateItem.Read(ref reader);
        return reader.AtEnd;
    }

    /// <summary>What an index says of an entry that was got back.</summary>
    public static void WritePlace(IBufferWriter<byte> output, int lane, long entry, in EntryPlace place)
    {
        ByteWriter writer = new(output);
        writer.Varint((ulong)lane);
        writer.Varint((ulong)entry);
        writer.Varint((ulong)place.Position);
        writer.Varint((ulong)place.BodyLength);
        writer.UInt32(place.Checksum);
        writer.Varint((ulong)place.BaseOffset);
    }

    public static bool TryReadPlace(ReadOnlyMemory<byte> body, out int lane, out long entry, out EntryPlace place)
    {
        ByteReader reader = new(body);
        lane = (int)reader.Varint(int.MaxValue);
        entry = reader.Varint(long.MaxValue);
        place = new EntryPlace(reader.Varint(long.MaxValue), (int)reader.Varint(RecordHeader.MaxBodyBytes), reader.UInt32(),
            reader.Varint(long.MaxValue));
        return reader.AtEnd;
    }

    public static void WriteSealed(IBufferWriter<byte> output, int lane, SealedRun run)
    {
        ByteWriter writer = new(output);
        writer.Varint((ulong)lane);
        writer.Varint((ulong)run.FirstEntry);
        writer.Varint((ulong)run.FirstOffset);
        writer.Varint((ulong)run.NextEntry);
        writer.Varint((ulong)run.NextOffset);
        writer.Varint((ulong)run.Bytes);
    }

    public static bool TryReadSealed(ReadOnlyMemory<byte> body, out int lane, out SealedRun run)
    {
        ByteReader reader = new(body);
        lane = (int)reader.Varint(int.MaxValue);
        run = new SealedRun(reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), reader.Varint(long.MaxValue),
            reader.Varint(long.MaxValue), reader.Varint(long.MaxValue));
        return reader.AtEnd;
    }

    public static void WriteBound(IBufferWriter<byte> output, int bytes)
    {
        ByteWriter writer = new(output);
        writer.UInt32((uint)bytes);
    }

    public static bool TryReadBound(ReadOnlyMemory<byte> body, out long bytes) => TryReadHole(body, out bytes);

    public static void WriteHole(IBufferWriter<byte> output, long bytes)
    {
        ByteWriter writer = new(output);
        writer.UInt32((uint)bytes);
    }

    public static bool TryReadHole(ReadOnlyMemory<byte> body, out long bytes)
    {
        ByteReader reader = new(body);
        bytes = reader.UInt32();
        return reader.AtEnd;
    }
}
