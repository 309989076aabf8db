using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What a log record holds.</summary>
internal enum RecordKind : byte
{
    /// <summary>Gives a lane its small number; stands in each segment before the lane's first record there.</summary>
    LaneDeclared = 1,

    /// <summary>An entry of a lane.</summary>
    LaneEntry = 2,

    /// <summary>The copy of a lane begins at this entry: what was before is gone.</summary>
    LaneSkip = 3,

    /// <summary>State that came over a link and joined.</summary>
    Joined = 4,

    /// <summary>From here on own entries go under this origin.</summary>
    OriginSet = 5,

    /// <summary>A partitionlet of a lane reached its limit.</summary>
    PartitionletSealed = 6,

    /// <summary>The bytes from here on, so many, were given back: nothing that is kept stood there. Only in segments that
    /// ended.</summary>
    Hole = 7,
    /// <summary>An entry of a lane that was damaged further up, got back from a neighbour.</summary>
    LaneRepaired = 8,

    /// <summary>The records behind it, so many bytes, were written together: where a crash left not all of them, none is there.</summary>
    Bound = 9,

    /// <summary>Entries of a lane are not there: left out by the sender of a link, or declared lost here.</summary>
    LaneLost = 10,
}

/// <summary>The head of a record: body length u32, CRC-32C u32, kind u8, group u24; the body; zeros up to a multiple of eight. Drawn in
/// docs/container-format.md.</summary>
/// <remarks>The checksum begins from the record's position in the log, so bytes of an old or a moved record never pass. The group number
/// tells, after a crash, a torn last group from damage in what had been flushed: group g+2 is written only when g+1 is flushed.</remarks>
internal readonly record struct RecordHeader(RecordKind Kind, int BodyLength, uint Group)
{
    public const int Size = 12;
    public const int Alignment = 8;
    public const uint GroupMask = 0xFF_FFFF;

    /// <summary>Longest body: a lane number and an entry, or a piece of joined state.</summary>
    public const int MaxBodyBytes = EntryCodec.MaxBytes + 16;

    /// <summary>Bytes that a record takes in the log.</summary>
    public int Padded => PaddedLength(BodyLength);

    public static int PaddedLength(int bodyLength) => (Size + bodyLength + Alignment - 1) & -Alignment;

    /// <summary>Writes the head of a record whose body stands behind it already.</summary>
    public static void Seal(Span<byte> record, long position, RecordKind kind, uint group)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - Size);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], (uint)kind | (group << 8));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Checksum(record, position));
    }

    /// <summary>Reads a head, without the checksum; false when it cannot be one.</summary>
    public static bool TryReadHead(ReadOnlySpan<byte> bytes, out RecordHeader header)
    {
        header = default;
        if (bytes.Length < Size)
        {
            return false;
        }

        uint word = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        header = new RecordHeader((RecordKind)(byte)word, BinaryPrimitives.ReadInt32LittleEndian(bytes), word >> 8);
        return header.BodyLength is > 0 and <= MaxBodyBytes
            && header.Kind is >= RecordKind.LaneDeclared and <= RecordKind.LaneLost;
    }

    /// <summary>Reads and checks a record that begins these bytes and stands at <paramref name="position"/> of the log.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, long position, out RecordHeader header) =>
        TryReadHead(bytes, out header) && bytes.Length >= Size + header.BodyLength
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) == Checksum(bytes[..(Size + header.BodyLength)], position);

    private static uint Checksum(ReadOnlySpan<byte> record, long position) =>
        Crc32C.Compute(record[8..], (uint)position ^ (uint)(position >> 32));
}
