using System.Text.RegularExpressions;

namespace Streams.Tidy.Tests;

/// <summary>A markdown file taken apart: prose lines, code spans and the shell commands in fenced blocks.</summary>
public sealed partial class MarkdownText
{
    private static readonly string[] ShellLanguages = ["sh", "bash", "shell", "console", "shell-session"];

    private readonly List<(int Line, string Text)> _prose = [];
    private readonly List<(int Line, string Text)> _commands = [];

    public MarkdownText(RepositoryFile file)
    {
        string? fence = null;
        var shell = false;
        foreach (var (index, line) in file.Lines.Index())
        {
            var match = Fence().Match(line);
            if (fence is null && match.Success)
            {
                fence = match.Groups["fence"].Value;
                shell = ShellLanguages.Contains(match.Groups["language"].Value);
            }
            else if (fence is not null && line.Trim().StartsWith(fence, StringComparison.Ordinal) && line.Trim().Trim(fence[0]).Length == 0)
            {
                fence = null;
            }
            else if (fence is null)
            {
                _prose.Add((index + 1, line));
            }
            else if (shell)
            {
                _commands.Add((index + 1, line));
            }
        }
    }

    /// <summary>Lines outside of fenced blocks.</summary>
    public IReadOnlyList<(int Line, string Text)> Prose => _prose;

    /// <summary>Lines of fenced blocks in a shell language.</summary>
    public IReadOnlyList<(int Line, string Text)> Commands => _commands;

    /// <summary>The content of code spans, each with its line.</summary>
    public IEnumerable<(int Line, string Text)> CodeSpans
        => _prose.SelectMany(line => CodeSpan().Matches(line.Text).Select(match => (line.Line, match.Groups["code"].Value)));

    /// <summary>Prose with the content of code spans blanked out.</summary>
    public IEnumerable<(int Line, string Text)> ProseWithoutCode
        => _prose.Select(line => (line.Line, CodeSpan().Replace(line.Text, match => new string(' ', match.Length))));

    [GeneratedRegex("^ {0,3}(?<fence>`{3,}|~{3,})\\s*(?<language>[\\w-]*)")]
    private static partial Regex Fence();

    [GeneratedRegex("(?<!`)(?<ticks>`+)(?!`)(?<code>.+?)(?<!`)\\k<ticks>(?!`)")]
    private static partial Regex CodeSpan();
}
