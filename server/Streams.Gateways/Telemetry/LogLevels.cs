using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>How much is logged: a level for everything and others for categories that begin with a name, as in
/// <c>info,Streams.Geo=debug</c>.</summary>
/// <param name="Default">For every category not named.</param>
/// <param name="ByCategory">For categories that begin with the key; the longest key that fits wins.</param>
public sealed record LogLevels(LogLevel Default, ImmutableSortedDictionary<string, LogLevel> ByCategory)
{
    /// <summary>Information, and warnings of the web server.</summary>
    public static readonly LogLevels Standard = new(LogLevel.Information,
        ImmutableSortedDictionary<string, LogLevel>.Empty
            .Add("Microsoft", LogLevel.Warning)
            .Add("Microsoft.Extensions.Hosting", LogLevel.None));          // a failed start is told in a line of its own

    private static readonly ImmutableSortedDictionary<string, LogLevel> Words = ImmutableSortedDictionary<string, LogLevel>.Empty
        .Add("trace", LogLevel.Trace).Add("debug", LogLevel.Debug).Add("info", LogLevel.Information)
        .Add("warning", LogLevel.Warning).Add("error", LogLevel.Error).Add("none", LogLevel.None);

    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out LogLevels levels, out string? fault)
    {
        levels = Standard;
        fault = null;
        foreach (string part in (text ?? string.Empty).Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (!Words.TryGetValue(part[(equals + 1)..], out LogLevel level) || equals == 0)
            {
                fault = "must be trace, debug, info, warning, error or none, for categories as in info,Streams.Geo=debug";
                return false;
            }

            levels = equals < 0
                ? levels with { Default = level }
                : levels with { ByCategory = levels.ByCategory.SetItem(part[..equals], level) };
        }

        return true;
    }

    /// <summary>The level of a category.</summary>
    public LogLevel Of(string category)
    {
        LogLevel level = Default;
        int longest = -1;
        foreach ((string prefix, LogLevel forPrefix) in ByCategory)
        {
            if (prefix.Length > longest && category.StartsWith(prefix, StringComparison.Ordinal))
            {
                longest = prefix.Length;
                level = forPrefix;
            }
        }

        return level;
    }
}
