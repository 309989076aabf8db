using System.Globalization;
using System.Text.RegularExpressions;

namespace Streams.Tidy.Tests;

/// <summary>Documents name only what exists, have one title, and decisions are numbered without gaps.</summary>
public static partial class Documents
{
    private const string Decisions = "docs/decisions/";

    public static IReadOnlyList<Fault> CheckTitle(RepositoryFile file)
    {
        var lines = new MarkdownText(file).Prose;
        var titles = lines.Where(line => Title().IsMatch(line.Text)).Select(line => line.Line).ToList();
        titles.AddRange(lines.Zip(lines.Skip(1))
            .Where(pair => pair.First.Text.Trim().Length > 0 && Underline().IsMatch(pair.Second.Text))
            .Select(pair => pair.First.Line));
        return titles.Count == 1 ? [] : [new Fault(file.Path, titles.ElementAtOrDefault(1), $"has {titles.Count} level-1 titles, not one")];
    }

    /// <summary>Relative links lead to a file or folder of the repository.</summary>
    public static IReadOnlyList<Fault> CheckLinks(RepositoryFile file, IReadOnlySet<string> files)
    {
        var known = WithFolders(files);
        var folder = file.Path.Contains('/', StringComparison.Ordinal) ? file.Path[..file.Path.LastIndexOf('/')] : "";
        List<Fault> faults = [];
        foreach (var (line, text) in new MarkdownText(file).ProseWithoutCode)
        {
            foreach (var match in InlineLink().Matches(text).Concat(LinkDefinition().Matches(text)))
            {
                var target = Uri.UnescapeDataString(match.Groups["target"].Value.Split('#', '?')[0]);
                if (target.Length > 0 && !Scheme().IsMatch(target) && !known.Contains(Resolve(folder, target)))
                {
                    faults.Add(new Fault(file.Path, line, $"links to {target}, which does not exist"));
                }
            }
        }

        return faults;
    }

    /// <summary>What looks like a path of the repository, in code spans and shell commands, is one.</summary>
    public static IReadOnlyList<Fault> CheckNamedPaths(RepositoryFile file, IReadOnlySet<string> files)
    {
        var known = WithFolders(files);
        var tops = files.Where(path => path.Contains('/', StringComparison.Ordinal)).Select(path => path.Split('/')[0]).ToHashSet();
        var text = new MarkdownText(file);
        return [.. text.CodeSpans.Concat(text.Commands)
            .SelectMany(piece => Word().Matches(piece.Text).Select(match => (piece.Line, Path: Clean(match.Value))))
            .Where(word => word.Path.Contains('/', StringComparison.Ordinal) && tops.Contains(word.Path.Split('/')[0]))
            .Where(word => !IsPlaceholder(word.Path) && !IsBuildOutput(word.Path) && !known.Contains(Resolve("", word.Path)))
            .Select(word => new Fault(file.Path, word.Line, $"names {word.Path}, which does not exist"))];
    }

    public static IReadOnlyList<Fault> CheckDecisionNumbers(IEnumerable<string> paths)
    {
        List<Fault> faults = [];
        List<int> numbers = [];
        foreach (var path in paths.Where(path => path.StartsWith(Decisions, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            if (DecisionName().Match(path[Decisions.Length..]) is { Success: true } match)
            {
                numbers.Add(int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture));
                if (numbers[^1] != numbers.Count)
                {
                    faults.Add(new Fault(path, 0, $"decision number {numbers.Count:0000} was due here: no gaps, no repeats"));
                    numbers[^1] = numbers.Count;
                }
            }
            else if (path != Decisions + "README.md")
            {
                faults.Add(new Fault(path, 0, "a decision is called NNNN-what-was-decided.md"));
            }
        }

        return faults;
    }

    private static HashSet<string> WithFolders(IReadOnlySet<string> files)
    {
        HashSet<string> known = [.. files, ""];
        foreach (var file in files)
        {
            for (var slash = file.LastIndexOf('/'); slash > 0; slash = file.LastIndexOf('/', slash - 1))
            {
                known.Add(file[..slash]);
            }
        }

        return known;
    }

    /// <summary>The path from the root; a path that climbs out of the repository stays recognisably unknown.</summary>
    private static string Resolve(string folder, string path)
    {
        List<string> parts = path.StartsWith('/') ? [] : [.. folder.Split('/', StringSplitOptions.RemoveEmptyEntries)];
        foreach (var part in path.Split('/').Where(part => part.Length > 0 && part != "."))
        {
            if (part != "..")
            {
                parts.Add(part);
            }
            else if (parts.Count > 0 && parts[^1] != "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }

    /// <summary>Without what prose and shells put around a path: <c>./x/y</c>, <c>x/y:12</c>, <c>x/y.</c></summary>
    private static string Clean(string word)
    {
        word = LineNumber().Replace(word.TrimEnd('.', ',', ';', ':'), "");
        return word.StartsWith("./", StringComparison.Ordinal) ? word[2..] : word;
    }

    private static bool IsPlaceholder(string path)
        => PlaceholderSign().IsMatch(path) || AllCapitals().IsMatch(path);

    private static bool IsBuildOutput(string path) => path.Split('/').Any(part => part is "bin" or "obj");

    [GeneratedRegex(@"^ {0,3}#(?:\s|$)")]
    private static partial Regex Title();

    [GeneratedRegex(@"^ {0,3}=+\s*$")]
    private static partial Regex Underline();

    [GeneratedRegex(@"\]\(\s*<?(?<target>[^)\s>]*)>?(?:\s+""[^""]*"")?\s*\)")]
    private static partial Regex InlineLink();

    [GeneratedRegex(@"^ {0,3}\[[^\]]+\]:\s*<?(?<target>[^\s>]+)")]
    private static partial Regex LinkDefinition();

    [GeneratedRegex(@"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//)")]
    private static partial Regex Scheme();

    [GeneratedRegex("""[^\s"'`=(),|&;]+""")]
    private static partial Regex Word();

    [GeneratedRegex(@"(?::\d+)+$|#.*$")]
    private static partial Regex LineNumber();

    [GeneratedRegex(@"[<>*{}$…]|\.\.\.")]
    private static partial Regex PlaceholderSign();

    // NAME, or NNNN-name: a segment or its start in capitals, as placeholders are written. Names like README.md and LICENSE are real.
    [GeneratedRegex(@"(?:^|/)(?!README|LICENSE|CHANGELOG)(?:[A-Z]{2,}(?=$|[/-])|[A-Z]{3,}(?=\.))")]
    private static partial Regex AllCapitals();

    [GeneratedRegex(@"^(?<number>[0-9]{4})-[a-z0-9][a-z0-9-]*\.md$")]
    private static partial Regex DecisionName();
}
