using System.Globalization;

namespace Streams.Core;

/// <summary>Where a run of a batch's sequences stands now: at consecutive offsets of one lane.</summary>
/// <param name="First">First sequence.</param>
/// <param name="Last">Last sequence.</param>
/// <param name="Origin">The lane.</param>
/// <param name="FirstOffset">Offset of the first.</param>
public readonly record struct PlacedRun(long First, long Last, Origin Origin, Offset FirstOffset)
{
    /// <summary>Reads <c>first-last@origin:offset</c>.</summary>
    public static bool TryParse(string? text, out PlacedRun run)
    {
        run = default;
        int dash = text?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        int at = text?.IndexOf('@', StringComparison.Ordinal) ?? -1;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (dash < 1 || at < dash || colon < at
            || !long.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out long first)
            || !long.TryParse(text.AsSpan(dash + 1, at - dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long last)
            || !Origin.TryParse(text![(at + 1)..colon], out Origin origin)
            || !long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long offset) || last < first)
        {
            return false;
        }

        run = new PlacedRun(first, last, origin, new Offset(offset));
        return true;
    }

    /// <summary>Text form <c>first-last@origin:offset</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}@{Origin}:{FirstOffset}");
}
