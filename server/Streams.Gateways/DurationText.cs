using System.Globalization;
using System.Xml;

namespace Streams.Gateways;

/// <summary>Durations as people write them: ISO 8601 with weeks left out (<c>P7D</c>, <c>PT1H30M</c>), or a number of seconds. Years and
/// months are refused: nobody knows how long they are.</summary>
public static class DurationText
{
    /// <summary>What a text that is none should have been.</summary>
    public const string Expected = "must be a number of seconds or an ISO 8601 duration of days, hours, minutes and seconds, as in P7D or "
        + "PT12H";

    /// <summary>Reads the text form.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds))
        {
            bool fits = seconds <= TimeSpan.MaxValue.TotalSeconds;
            duration = fits ? TimeSpan.FromSeconds(seconds) : default;
            return fits;
        }

        duration = default;
        int time = text.IndexOf('T', StringComparison.Ordinal);
        ReadOnlySpan<char> date = time < 0 ? text : text.AsSpan(0, time);
        if (!text.StartsWith('P') || date.IndexOfAny('Y', 'M') >= 0)
        {
            return false;
        }

        try
        {
            duration = XmlConvert.ToTimeSpan(text);
            return true;
        }
        catch (Exception fault) when (fault is FormatException or OverflowException)
        {
            return false;
        }
    }

    /// <summary>Writes the text form.</summary>
    public static string Write(TimeSpan duration) => XmlConvert.ToString(duration);
}
