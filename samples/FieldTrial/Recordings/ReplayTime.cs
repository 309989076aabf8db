using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FieldTrial;

/// <summary>Reads the times that recordings use. What is compared is the instant, never the text.</summary>
internal static class ReplayTime
{
    /// <summary>ISO 8601 and its usual relatives (without an offset: UTC), or seconds, milliseconds or microseconds since 1970.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out DateTimeOffset time)
    {
        if (Utf8Parser.TryParse(text, out double number, out int used) && used == text.Length)
        {
            return FromNumber(number, out time);
        }

        Span<char> chars = stackalloc char[64];
        time = default;
        return text.Length is > 0 and <= 64 && Encoding.UTF8.TryGetChars(text, chars, out int length)
            && DateTimeOffset.TryParse(chars[..length],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out time);
    }

    private static bool FromNumber(double number, out DateTimeOffset time)
    {
        double seconds = Math.Abs(number) switch
        {
            < 1e11 => number,
            < 1e14 => number / 1e3,
            _ => number / 1e6,
        };
        bool fits = seconds is > -60_000_000_000 and < 250_000_000_000;
        time = fits ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond)) : default;
        return fits;
    }
}
