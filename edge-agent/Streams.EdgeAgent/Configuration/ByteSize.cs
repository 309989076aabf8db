using System.Globalization;

namespace Streams.EdgeAgent;

/// <summary>Bytes as people write them: <c>512</c>, <c>64 KiB</c>, <c>1 GiB</c>. Decimal units are refused: few mean them.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, int Shift)[] Units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

    /// <summary>Reads the text form.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        int shift = 0;
        string number = text.Trim();
        foreach ((string unit, int by) in Units)
        {
            if (number.EndsWith(unit, StringComparison.Ordinal))
            {
                number = number[..^unit.Length].TrimEnd();
                shift = by;
                break;
            }
        }

        bool isNumber = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out bytes)
            && bytes <= long.MaxValue >> shift;
        bytes = isNumber ? bytes << shift : 0;
        return isNumber;
    }

    /// <summary>Writes in the largest unit that is exact.</summary>
    public static string Write(long bytes)
    {
        foreach ((string unit, int by) in Units)
        {
            if (bytes > 0 && bytes % (1L << by) == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes >> by} {unit}");
            }
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }
}
