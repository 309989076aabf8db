namespace Streams.Tidy.Tests;

/// <summary>A text file of the repository: its path from the root, with forward slashes, and its content.</summary>
public sealed record RepositoryFile(string Path, string Text)
{
    private static readonly string[] ProductFolders = ["sdk/", "server/", "edge-agent/"];

    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    public bool IsMarkdown => Path.EndsWith(".md", StringComparison.Ordinal);

    public bool IsProject => Path.EndsWith(".csproj", StringComparison.Ordinal);

    /// <summary>Part of what is shipped.</summary>
    public bool IsProduct => ProductFolders.Any(folder => Path.StartsWith(folder, StringComparison.Ordinal));

    /// <summary>The lines without their ends; a final line end does not begin another line.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            var lines = Text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
            return lines[^1].Length == 0 ? lines[..^1] : lines;
        }
    }

    /// <summary>The line, counted from 1, a position of the text lies in.</summary>
    public int LineAt(int position) => Text.AsSpan(0, position).Count('\n') + 1;
}

/// <summary>A breach of a rule. Its text is what a failing test shows, one per line.</summary>
public sealed record Fault(string Path, int Line, string Message)
{
    public override string ToString() => Line == 0 ? $"{Path}: {Message}" : $"{Path}:{Line}: {Message}";
}
