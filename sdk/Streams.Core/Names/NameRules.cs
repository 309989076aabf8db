using System.Text;

namespace Streams.Core;

/// <summary>What every name in the system must obey, in one place, so that the same text is refused everywhere with the same
/// words.</summary>
internal static class NameRules
{
    /// <summary>Why <paramref name="text"/> is no name of this kind, or <see langword="null"/> when it is one.</summary>
    public static string? Fault(string kind, string? text, int maxBytes, bool mayBeEmpty = false)
    {
        if (text is null)
        {
            return $"{kind}: missing";
        }

        if (text.Length == 0)
        {
            return mayBeEmpty ? null : $"{kind}: empty, 1 to {maxBytes} bytes of UTF-8 are needed";
        }

        if (text.Length > maxBytes || Encoding.UTF8.GetByteCount(text) > maxBytes)
        {
            return $"{kind}: longer than {maxBytes} bytes of UTF-8";
        }

        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsControl(c))
            {
                return $"{kind}: control character U+{(int)c:X4} at {i}";
            }

            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            if (char.IsSurrogate(c))
            {
                return $"{kind}: half of a surrogate pair at {i}";
            }
        }

        return null;
    }

    /// <summary>Whether these bytes are UTF-8 without control characters: the same judgement as <see cref="Fault"/>, without a
    /// string.</summary>
    public static bool IsPlainText(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IndexOfAnyInRange((byte)0, (byte)0x1F) >= 0 || utf8.Contains((byte)0x7F) || !System.Text.Unicode.Utf8.IsValid(utf8))
        {
            return false;
        }

        // U+0080 to U+009F are controls too: C2 80 to C2 9F.
        for (int at = utf8.IndexOf((byte)0xC2); at >= 0; at = utf8.IndexOf((byte)0xC2))
        {
            if (utf8[at + 1] <= 0x9F)
            {
                return false;
            }

            utf8 = utf8[(at + 2)..];
        }

        return true;
    }
}
