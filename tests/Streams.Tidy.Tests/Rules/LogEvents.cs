using System.Globalization;
using System.Text.RegularExpressions;

namespace Streams.Tidy.Tests;

/// <summary>Every log event of the product has a number of its own, for operators to search and filter by.</summary>
public static partial class LogEvents
{
    public static IReadOnlyList<Fault> Check(IEnumerable<RepositoryFile> files)
    {
        List<Fault> faults = [];
        Dictionary<int, string> firstUse = [];
        foreach (var file in files)
        {
            foreach (Match attribute in LogAttribute().Matches(file.Text))
            {
                var line = file.LineAt(attribute.Index);
                var id = NamedId().Match(attribute.Groups["arguments"].Value) is { Success: true } named
                    ? named
                    : FirstArgumentId().Match(attribute.Groups["arguments"].Value);
                if (!id.Success)
                {
                    faults.Add(new Fault(file.Path, line, "LoggerMessage without an EventId written out as a number"));
                    continue;
                }

                var number = int.Parse(id.Groups["id"].Value.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
                if (!firstUse.TryAdd(number, $"{file.Path}:{line}"))
                {
                    faults.Add(new Fault(file.Path, line, $"EventId {number} is taken by {firstUse[number]}"));
                }
            }
        }

        return faults;
    }

    // The arguments are strings, which may hold brackets, and anything else but brackets.
    [GeneratedRegex(
        """\[(?:\s*\w+\s*,)*\s*LoggerMessage(?:Attribute)?\s*"""
        + """(?:\((?<arguments>(?:[^"()]|\([^()]*\)|"(?:[^"\\]|\\.)*")*)\))?\s*[\],]""")]
    private static partial Regex LogAttribute();

    // Quoted text is consumed on the way, so that a message speaking of "EventId = 1" is not mistaken for one.
    [GeneratedRegex("""^(?:[^"]|"(?:[^"\\]|\\.)*")*?\b(?i:EventId)\s*[=:]\s*(?<id>[0-9][0-9_]*)\s*(?:,|$)""")]
    private static partial Regex NamedId();

    [GeneratedRegex(@"^\s*(?<id>[0-9][0-9_]*)\s*(?:,|$)")]
    private static partial Regex FirstArgumentId();
}
