using System.Buffers;
using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The index file of a segment that ended: where its records stand, so that opening need not read them. Drawn in
/// docs/container-format.md.</summary>
/// <remarks>It is derived: a missing, torn or damaged one is made anew from the segment. Gathers rows while the segment is written or
/// read.</remarks>
internal sealed class SegmentIndex
{
    private const int HeaderSize = 28;

    private readonly ArrayBufferWriter<byte> _rows = new();
    private readonly ArrayBufferWriter<byte> _body = new();

    private static ReadOnlySpan<byte> Magic => "STRMSIDX"u8;

    /// <summary>The number of the last group in the segment.</summary>
    public uint LastGroup { get; set; }

    public static string NameFor(Segment segment) => Path.ChangeExtension(segment.Name, ".idx");

    public void Clear() => _rows.ResetWrittenCount();

    /// <summary>Adds an entry's row.</summary>
    public void Add(int lane, LaneEntry entry, in EntryPlace place, long segment)
    {
        ByteWriter writer = new(_rows);
        writer.Byte((byte)RecordKind.LaneEntry);
        writer.Varint((ulong)lane);
        writer.Entry(entry.Number);
        writer.Offset(entry.BaseOffset);
        writer.Varint((ulong)entry.EventCount);
        writer.SignedVarint(entry.AppendedAt);
        writer.Varint((ulong)(place.Position - segment));
        writer.Varint((ulong)place.BodyLength);
        writer.UInt32(place.Checksum);
    }

    /// <summary>Adds the row of another record, whose body says it all.</summary>
    public void Add(RecordKind kind, ReadOnlySpan<byte> body)
    {
        ByteWriter writer = new(_rows);
        writer.Byte((byte)kind);
        writer.Block(body);
    }

    /// <summary>Adds the row of a record that was just published.</summary>
    public void Add(in StagedRecord record, long segment)
    {
        _body.ResetWrittenCount();
        switch (record.Kind)
        {
            case RecordKind.LaneEntry:
                Add(record.Lane!.Number, (LaneEntry)record.Content!, record.Place, segment);
                return;
            case RecordKind.LaneDeclared:
                RecordBodies.WriteDeclared(_body, record.Lane!.Number, record.Lane.Id);
                break;
            case RecordKind.LaneSkip:
                (EntryNumber first, Offset offset) = ((EntryNumber, Offset))record.Content!;
                RecordBodies.WriteSkip(_body, record.Lane!.Number, first, offset);
                break;
            case RecordKind.PartitionletSealed:
                RecordBodies.WriteSealed(_body, record.Lane!.Number, (SealedRun)record.Content!);
                break;
            default:
                return;
        }

        Add(record.Kind, _body.WrittenSpan);
    }

    /// <summary>Writes the index of a segment that ended. It need not be flushed: its checksum tells whether all of it came down.</summary>
    public void Save(ILogDisk disk, Segment segment, long end)
    {
        byte[] bytes = new byte[HeaderSize + _rows.WrittenCount + sizeof(uint)];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), segment.First);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), end);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), LastGroup);
        _rows.WrittenSpan.CopyTo(bytes.AsSpan(HeaderSize));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - sizeof(uint)),
            Crc32C.Compute(bytes.AsSpan(0, bytes.Length - sizeof(uint))));
        using ILogFile file = disk.Create(NameFor(segment));
        file.Write(0, bytes);
    }

    /// <summary>Applies the index of a segment that ends at <paramref name="end"/>, instead of reading it; else says why not, and
    /// changes nothing.</summary>
    public static string? TryApply(ILogDisk disk, Segment segment, long end, LogReplay replay, out uint lastGroup)
    {
        lastGroup = 0;
        byte[] bytes;
        try
        {
            using ILogFile file = disk.Open(NameFor(segment));
            bytes = new byte[file.Length];
            bytes = bytes[..file.Read(0, bytes)];
        }
        catch (StorageFailedException cause)
        {
            return cause.Message;
        }

        if (bytes.Length < HeaderSize + sizeof(uint) || !bytes.AsSpan(0, 8).SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(bytes.Length - sizeof(uint)))
                != Crc32C.Compute(bytes.AsSpan(0, bytes.Length - sizeof(uint)))
            || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) != segment.First
                || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)) != end)
        {
            return "it is damaged, or of another segment";
        }

        lastGroup = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(24));
        ByteReader reader = new(bytes.AsMemory(HeaderSize, bytes.Length - HeaderSize - sizeof(uint)));
        while (reader.Remaining > 0)
        {
            RecordKind kind = (RecordKind)reader.Byte();
            string? fault = kind == RecordKind.LaneEntry ? ApplyEntry(ref reader, segment, replay)
                : replay.Apply(new RecordHeader(kind, 0, 0), reader.Block(RecordHeader.MaxBodyBytes), segment.First);
            if (fault is not null || reader.Failed)
            {
                throw new InvalidFormatException(
                    $"{NameFor(segment)}: {fault ?? "a row is malformed"}; delete the file to have it made anew");
            }
        }

        return null;
    }

    private static string? ApplyEntry(ref ByteReader reader, Segment segment, LogReplay replay)
    {
        int lane = (int)reader.Varint(int.MaxValue);
        EntryNumber number = reader.Entry();
        Offset offset = reader.Offset();
        int events = (int)reader.Varint(EventLimits.MaxEvents);
        long appendedAt = reader.SignedVarint();
        EntryPlace place = new(segment.First + reader.Varint(int.MaxValue), (int)reader.Varint(RecordHeader.MaxBodyBytes), reader.UInt32(),
            offset.Value);
        return reader.Failed ? "a row is malformed" : replay.ApplyPlace(lane, number, events, appendedAt, place);
    }
}
