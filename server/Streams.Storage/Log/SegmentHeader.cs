using System.Buffers.Binary;
using System.Globalization;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The first 64 bytes of a segment: magic, version, position of byte 0 in the log, checksum; and the segment's file
/// name.</summary>
internal static class SegmentHeader
{
    public const int Size = 64;
    public const string Extension = ".seg";
    private const string Prefix = "log-";
    private const uint Version = 1;

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

    public static void Write(Span<byte> bytes, long firstPosition)
    {
        bytes[..Size].Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], firstPosition);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[(Size - 4)..], Crc32C.Compute(bytes[..(Size - 4)]));
    }

    /// <summary>Whether these bytes head the segment that begins at this position.</summary>
    /// <exception cref="InvalidFormatException">It is a segment of another version: do not touch it.</exception>
    public static bool IsValid(ReadOnlySpan<byte> bytes, long firstPosition)
    {
        if (bytes.Length < Size || !bytes[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(Size - 4)..]) != Crc32C.Compute(bytes[..(Size - 4)])
            || BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]) != firstPosition)
        {
            return false;
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        return version == Version
            ? true
            : throw new InvalidFormatException($"segment {Name(firstPosition)}: version {version}, this program reads version {Version}");
    }
}
