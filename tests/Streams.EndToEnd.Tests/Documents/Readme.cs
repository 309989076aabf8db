using System.Text.RegularExpressions;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The fenced blocks of README.md.</summary>
internal static partial class Readme
{
    /// <summary>The blocks of a language below a heading, in order; a line that ends with a backslash is joined with the next.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Blocks(string heading, string language)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n");
        var section = text.Split("\n## ").Single(part => part.StartsWith(heading + "\n", StringComparison.Ordinal));
        return
        [
            .. Fence().Matches(section).Where(match => match.Groups[1].Value == language)
                .Select(match => match.Groups[2].Value.Replace("\\\n", "", StringComparison.Ordinal).TrimEnd('\n').Split('\n')),
        ];
    }

    [GeneratedRegex("^```(\\w+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
