using System.Buffers.Binary;
using System.Globalization;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The first 64 bytes of a segment: magic, version, position of byte 0 in the log, what of its neighbours was given back,
/// checksum; and the segment's file name.</summary>
/// <param name="FirstPosition">Position of byte 0 in the log.</param>
/// <param name="NextPosition">Where the next segment begins, when those between were given back; 0 when it begins where this one
/// ends.</param>
/// <param name="BeginsLog">Whether everything before it was given back.</param>
/// <remarks>It lies in one sector, so it is replaced whole or not at all. One that names what was given back has version 2: a program
/// that does not know of that must not take it for damage.</remarks>
internal readonly record struct SegmentHeader(long FirstPosition, long NextPosition, bool BeginsLog)
{
    public const int Size = 64;
    public const string Extension = ".seg";
    private const string Prefix = "log-";
    private const uint PlainVersion = 1;
    private const uint Version = 2;

    private static ReadOnlySpan<byte> Magic => "STRMSLOG"u8;

    public static string Name(long firstPosition) => $"{Prefix}{firstPosition:x16}{Extension}";

    public static bool TryParseName(string name, out long firstPosition)
    {
        firstPosition = 0;
        return name.Length == Prefix.Length + 16 + Extension.Length && name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(Extension, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out firstPosition)
            && firstPosition >= 0;
    }

    public void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], NextPosition == 0 && !BeginsLog ? PlainVersion : Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], FirstPosition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], NextPosition);
        bytes[32] = BeginsLog ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[(Size - 4)..], Crc32C.Compute(bytes[..(Size - 4)]));
    }

    /// <summary>Reads the header of the segment that begins at this position; false when these bytes are none.</summary>
    /// <exception cref="InvalidFormatException">It is a segment of another version: do not touch it.</exception>
    public static bool TryRead(ReadOnlySpan<byte> bytes, long firstPosition, out SegmentHeader header)
    {
        header = new SegmentHeader(firstPosition, 0, false);
        if (bytes.Length < Size || !bytes[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(Size - 4)..]) != Crc32C.Compute(bytes[..(Size - 4)])
            || BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]) != firstPosition)
        {
            return false;
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        header = new SegmentHeader(firstPosition, BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), bytes[32] == 1);
        return version is PlainVersion or Version
            ? true
            : throw new InvalidFormatException(
                $"segment {Name(firstPosition)}: version {version}, this program reads versions {PlainVersion} and {Version}");
    }
}
