namespace Streams.Core;

/// <summary>How messages end that begin with their version.</summary>
internal static class VersionedEnd
{
    /// <summary>Whether all that this version says was there: and nothing behind it, unless the message is of a later version.</summary>
    public static bool IsWhole(in ByteReader reader, byte version, byte known) =>
        version == known ? reader.AtEnd : version > known && !reader.Failed;
}
