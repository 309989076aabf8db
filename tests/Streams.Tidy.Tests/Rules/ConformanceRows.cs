using System.Text.RegularExpressions;

namespace Streams.Tidy.Tests;

/// <summary>The conformance table of a document: each numbered statement of a standard stands there once, and the tests that it names
/// exist.</summary>
public static partial class ConformanceRows
{
    /// <summary>Rows of one statement begin with its number; the same number may come again below the next heading of level 3, which is
    /// another standard.</summary>
    public static IReadOnlyList<Fault> Check(RepositoryFile document, IEnumerable<RepositoryFile> code)
    {
        HashSet<string> tests = [.. code.SelectMany(Tests)];
        HashSet<string> seen = new(StringComparer.Ordinal);
        List<Fault> faults = [];
        foreach (var (line, text) in document.Lines.Select((text, index) => (index + 1, text)))
        {
            if (text.StartsWith("### ", StringComparison.Ordinal))
            {
                seen.Clear();
            }

            if (Statement().Match(text) is { Success: true } row)
            {
                if (!seen.Add(row.Groups["id"].Value))
                {
                    faults.Add(new Fault(document.Path, line, $"has {row.Groups["id"].Value} a second time"));
                }

                faults.AddRange(NamedTest().Matches(text).Select(match => match.Groups["test"].Value).Where(test => !tests.Contains(test))
                    .Select(test => new Fault(document.Path, line, $"names the test {test}, which does not exist")));
            }
        }

        return faults;
    }

    /// <summary>Every test, and every class of tests, that a document names exists.</summary>
    public static IReadOnlyList<Fault> CheckNames(RepositoryFile document, IEnumerable<RepositoryFile> code)
    {
        List<RepositoryFile> files = [.. code];
        HashSet<string> tests =
        [
            .. files.SelectMany(Tests),
            .. files.SelectMany(file => TestClass().Matches(file.Text)).Select(match => match.Groups["name"].Value),
        ];
        return
        [
            .. document.Lines.SelectMany((text, index) => NamedTestOrClass().Matches(text)
                .Select(match => match.Groups["test"].Value).Where(test => !tests.Contains(test))
                .Select(test => new Fault(document.Path, index + 1, $"names the test {test}, which does not exist"))),
        ];
    }

    // One class a file, as is the rule here; several are no harm, a test is then known under each.
    private static IEnumerable<string> Tests(RepositoryFile file)
    {
        if (!file.Text.Contains("[Fact", StringComparison.Ordinal) && !file.Text.Contains("[Theory", StringComparison.Ordinal))
        {
            return [];
        }

        string[] methods = [.. Method().Matches(file.Text).Select(match => match.Groups["name"].Value)];
        return TestClass().Matches(file.Text).SelectMany(match => methods.Select(method => $"{match.Groups["name"].Value}.{method}"));
    }

    [GeneratedRegex(@"^\|\s*(?<id>MQTT-\d+(\.\d+)+-\d+)\s*\|")]
    private static partial Regex Statement();

    [GeneratedRegex(@"`(?<test>[A-Z]\w*Tests\.\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"`(?<test>[A-Z]\w*Tests(?:\.\w+)?)`")]
    private static partial Regex NamedTestOrClass();

    [GeneratedRegex(@"\bclass\s+(?<name>\w+)")]
    private static partial Regex TestClass();

    // The attribute, other attributes and comments below it, then the method.
    [GeneratedRegex(@"\[(?:Fact|Theory)\b[^\n]*\n(?:\s*(?:\[|//)[^\n]*\n)*\s*public\s+(?:async\s+Task|void|Task)\s+(?<name>\w+)\s*\(")]
    private static partial Regex Method();
}
