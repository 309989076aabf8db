using System.Text.RegularExpressions;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>What a server wrote, judged as an operator would judge it.</summary>
internal static partial class ServerLines
{
    /// <summary>Lines of the levels error and fatal.</summary>
    public static IReadOnlyList<string> Errors(IEnumerable<string> lines) => [.. lines.Where(line => ErrorLine().IsMatch(line))];

    /// <summary>Lines that look like a stack trace or an unhandled exception of the runtime.</summary>
    public static IReadOnlyList<string> StackTraces(IEnumerable<string> lines) => [.. lines.Where(line => StackLine().IsMatch(line))];

    /// <summary>What a server that did not start says about it: everything that is no ordinary log line.</summary>
    public static IReadOnlyList<string> Complaints(IEnumerable<string> lines)
        => [.. lines.Where(line => line.Length > 0 && !QuietLine().IsMatch(line))];

    /// <summary>A server that went well has nothing of either.</summary>
    public static void AssertCalm(ServerProcess server)
    {
        Assert.Empty(Errors(server.Lines));
        Assert.Empty(StackTraces(server.Lines));
    }

    [GeneratedRegex(@"^\S+Z (error|fatal) ")]
    private static partial Regex ErrorLine();

    [GeneratedRegex(@"^\S+Z (trace|debug|info |warn ) ")]
    private static partial Regex QuietLine();

    [GeneratedRegex(@"^\s+at [\w<].*\(|Unhandled exception|--- End of")]
    private static partial Regex StackLine();
}
