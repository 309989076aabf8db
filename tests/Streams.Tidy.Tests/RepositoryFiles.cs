using System.Diagnostics;
using Streams.Testing;

namespace Streams.Tidy.Tests;

/// <summary>Reads the repository: what git tracks or would track, or, where git cannot tell, the tree without build output.</summary>
public static class RepositoryFiles
{
    /// <summary>Larger files are data, not text people keep tidy.</summary>
    private const long MaxBytes = 4 * 1024 * 1024;

    private static readonly HashSet<string> SkippedFolders =
        ["bin", "obj", ".git", ".vs", "TestResults", "streams-data", "node_modules"];

    private static readonly Lazy<IReadOnlyList<RepositoryFile>> Loaded = new(() => Read(Repository.Root));

    /// <summary>All text files of this repository.</summary>
    public static IReadOnlyList<RepositoryFile> All => Loaded.Value;

    public static IReadOnlyList<RepositoryFile> Read(string root)
    {
        var paths = AskGit(root) is { } listed && listed.Contains("Streams.sln") ? listed : Walk(root);
        List<RepositoryFile> files = [];
        foreach (var path in paths.Distinct().Order(StringComparer.Ordinal))
        {
            // A tracked file may be deleted in the work tree, and a submodule is a directory.
            var file = new FileInfo(Path.Combine(root, path));
            if (file.Exists && file.Length <= MaxBytes && File.ReadAllText(file.FullName) is var text && !text.Contains('\0'))
            {
                files.Add(new RepositoryFile(path, text));
            }
        }

        return files;
    }

    /// <summary>Paths from the root, found without git.</summary>
    public static IReadOnlyList<string> Walk(string root)
    {
        List<string> found = [];
        Stack<DirectoryInfo> pending = new([new DirectoryInfo(root)]);
        while (pending.TryPop(out var directory))
        {
            found.AddRange(directory.EnumerateFiles().Select(file => Path.GetRelativePath(root, file.FullName).Replace('\\', '/')));
            foreach (var child in directory.EnumerateDirectories().Where(child => !SkippedFolders.Contains(child.Name)))
            {
                pending.Push(child);
            }
        }

        return found;
    }

    private static string[]? AskGit(string root)
    {
        try
        {
            var info = new ProcessStartInfo("git", ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var git = Process.Start(info)!;
            var complaints = git.StandardError.ReadToEndAsync();
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            _ = complaints.GetAwaiter().GetResult();
            return git.ExitCode == 0 ? output.Split('\0', StringSplitOptions.RemoveEmptyEntries) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
