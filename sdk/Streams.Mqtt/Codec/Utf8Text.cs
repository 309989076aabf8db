using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Streams.Mqtt;

/// <summary>UTF-8 strings as MQTT wants them: well formed, without U+0000, at most 65,535 bytes, a byte order mark kept.</summary>
internal static class Utf8Text
{
    public static string Decode(ReadOnlySpan<byte> utf8, string what)
    {
        if (utf8.IsEmpty)
        {
            return "";
        }

        if (utf8.Contains((byte)0))
        {
            throw Refuse.Malformed($"The {what} contains U+0000.");
        }

        if (!Utf8.IsValid(utf8))
        {
            throw Refuse.Malformed($"The {what} is not well-formed UTF-8.");
        }

        return Encoding.UTF8.GetString(utf8);
    }

    /// <summary>The bytes of the text with its two bytes of length. Refuses what the standard cannot carry.</summary>
    public static int PrefixedSize(string text, string what)
    {
        int bytes = text.Length == 0 ? 0 : Encoding.UTF8.GetByteCount(text);
        if (bytes > ushort.MaxValue)
        {
            throw Refuse.Malformed($"The {what} has {bytes} bytes of UTF-8, more than {ushort.MaxValue}.");
        }

        if (text.Contains('\0'))
        {
            throw Refuse.Malformed($"The {what} contains U+0000.");
        }

        return bytes + 2;
    }

    /// <summary>Writes the text without length; returns the bytes used. The target must be large enough.</summary>
    public static int Encode(string text, Span<byte> target)
    {
        OperationStatus status = Utf8.FromUtf16(text, target, out _, out int written, replaceInvalidSequences: false);
        return status == OperationStatus.Done ? written : throw Refuse.Malformed("A text contains a surrogate without its partner.");
    }
}
