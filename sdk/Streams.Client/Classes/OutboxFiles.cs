using System.Buffers;

namespace Streams.Client;

/// <summary>Names the files of a client's outboxes: <c>outbox.db</c>, beside it <c>outbox.alarms.db</c> for a class, and
/// <c>outbox.alarms.0live.db</c> for what passes its backlog.</summary>
internal static class OutboxFiles
{
    private const string Passing = "0live";              // no class has such a name
    private static readonly SearchValues<char> Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>The path of an outbox.</summary>
    public static string Of(string path, string? name, bool isPassing)
    {
        string extension = Path.GetExtension(path);
        string stem = path[..^extension.Length];
        return $"{stem}{(name is null ? string.Empty : "." + name)}{(isPassing ? "." + Passing : string.Empty)}{extension}";
    }

    /// <summary>What is written into an outbox beside the main one: a mere copy of some outbox under such a name is not used.</summary>
    public static string MarkOf(string? name, bool isPassing) => $"{name}/{(isPassing ? Passing : string.Empty)}";

    /// <summary>Outboxes beside the main one that seem to be there, whatever the options say today: <see cref="MarkOf"/> tells for
    /// sure.</summary>
    public static IEnumerable<(string Path, string? Class, bool IsPassing)> Beside(string path)
    {
        string extension = Path.GetExtension(path);
        string stem = Path.GetFileName(path)[..^extension.Length] + ".";
        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(directory))
        {
            yield break;
        }

        foreach (string file in Directory.EnumerateFiles(directory, stem + "*" + extension).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(file);
            if (!name.StartsWith(stem, StringComparison.Ordinal) || !name.EndsWith(extension, StringComparison.Ordinal)
                || name.Length <= stem.Length + extension.Length || IsSqlites(name))
            {
                continue;
            }

            string[] parts = name[stem.Length..^extension.Length].Split('.');
            bool isPassing = parts[^1] == Passing;
            string? of = parts.Length > (isPassing ? 1 : 0) ? parts[0] : null;
            if (parts.Length <= 1 + (of is not null && isPassing ? 1 : 0) && (of is null || IsName(of)))
            {
                yield return (file, of, isPassing);
            }
        }
    }

    /// <summary>Whether a class may have this name.</summary>
    public static bool IsName(string? name) => name is { Length: >= 1 and <= 32 } && name[0] is >= 'a' and <= 'z'
        && name.AsSpan().IndexOfAnyExcept(Letters) < 0 && name != "lock"
        && !name.StartsWith("damaged-", StringComparison.Ordinal) && !name.StartsWith("salvage", StringComparison.Ordinal)
        && !IsSqlites(name);

    // Where the main file has no extension, what SQLite keeps beside a file is called like a class.
    private static bool IsSqlites(string name) => name.EndsWith("-wal", StringComparison.Ordinal)
        || name.EndsWith("-shm", StringComparison.Ordinal) || name.EndsWith("-journal", StringComparison.Ordinal);
}
