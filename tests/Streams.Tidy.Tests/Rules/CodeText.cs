using System.Text.RegularExpressions;

namespace Streams.Tidy.Tests;

/// <summary>Rules about the text of one source file.</summary>
public static partial class CodeText
{
    public const int MaxLines = 500;
    public const int MaxColumns = 140;

    public static IReadOnlyList<Fault> CheckLength(RepositoryFile file)
        => file.Lines.Count is > MaxLines and var lines
            ? [new Fault(file.Path, 0, $"has {lines} lines; split it by concern ({MaxLines} at most)")]
            : [];

    public static IReadOnlyList<Fault> CheckColumns(RepositoryFile file)
        => [.. file.Lines.Index()
            .Where(line => line.Item.Length > MaxColumns)
            .Select(line => new Fault(file.Path, line.Index + 1, $"{line.Item.Length} columns ({MaxColumns} at most)"))];

    public static IReadOnlyList<Fault> CheckTypeNames(RepositoryFile file)
        => [.. TypeDeclaration().Matches(file.Text)
            .Where(match => BannedNameEnding().IsMatch(match.Groups["name"].Value))
            .Select(match => new Fault(
                file.Path, file.LineAt(match.Groups["name"].Index), $"'{match.Groups["name"].Value}' says nothing: name what it does"))];

    /// <summary>Product code lives in the namespace of its project, whatever folder it is in.</summary>
    public static IReadOnlyList<Fault> CheckNamespace(RepositoryFile file)
    {
        var project = file.Path.Split('/')[1];
        var namespaces = NamespaceDeclaration().Matches(file.Text);
        if (namespaces.Count == 0)
        {
            return file.Name != "Program.cs" && TypeDeclaration().IsMatch(file.Text)
                ? [new Fault(file.Path, 0, $"declares a type outside of namespace {project}")]
                : [];
        }

        return [.. namespaces
            .Where(match => match.Groups["name"].Value != project)
            .Select(match => new Fault(
                file.Path, file.LineAt(match.Groups["name"].Index), $"namespace {match.Groups["name"].Value}, not {project}"))];
    }

    public static IReadOnlyList<Fault> CheckEmptyDocTags(RepositoryFile file)
    {
        // Tags may span lines: the comment is read as one text of the same length, code and slashes blanked out.
        var comment = string.Concat(file.Text.Split('\n').Select(BlankOutCode));
        return Faults(file, EmptyDocTag().Matches(comment), match => $"the documentation tag {match.Groups["tag"].Value} is empty");

        static string BlankOutCode(string line)
        {
            var slashes = line.IndexOf("///", StringComparison.Ordinal);
            return slashes < 0 || line.AsSpan(0, slashes).Trim().Length > 0
                ? "\u0001" + new string(' ', line.Length)
                : new string(' ', slashes + 3) + line[(slashes + 3)..] + " ";
        }
    }

    public static IReadOnlyList<Fault> CheckLeftovers(RepositoryFile file)
        => Faults(file, Leftover().Matches(file.Text), match => $"{match.Value} is left in the text");

    /// <summary>Paths of one person's machine mean nothing to the next reader.</summary>
    public static IReadOnlyList<Fault> CheckMachinePaths(RepositoryFile file)
        => Faults(file, MachinePath().Matches(file.Text), match => $"machine path {match.Value}…");

    private static IReadOnlyList<Fault> Faults(RepositoryFile file, IEnumerable<Match> matches, Func<Match, string> message)
        => [.. matches.Select(match => new Fault(file.Path, file.LineAt(match.Index), message(match)))];

    [GeneratedRegex("(?:Manager|Helper|Helpers|Utils|Common)$")]
    internal static partial Regex BannedNameEnding();

    [GeneratedRegex(
        @"^[ \t]*(?:(?:public|internal|private|protected|file|static|sealed|abstract|partial|readonly|ref|unsafe|new)\s+)*"
        + @"(?:class|interface|enum|struct|record(?:\s+(?:class|struct))?)\s+(?<name>[A-Za-z_]\w*)",
        RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"^[ \t]*namespace\s+(?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();

    [GeneratedRegex(@"<(?<tag>summary|remarks|returns|value|example|param|typeparam|exception)(?:\s[^<>]*)?(?:(?<!/)>\s*</\k<tag>>)")]
    private static partial Regex EmptyDocTag();

    [GeneratedRegex(@"\b(?:TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b")]
    private static partial Regex Leftover();

    [GeneratedRegex(@"(?<![\w.~}*)])/(?:wo" + @"rk|ro" + @"ot)/")]
    private static partial Regex MachinePath();
}
