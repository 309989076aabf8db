using System.Text.RegularExpressions;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Lets the kernel refuse flushes of a server, and reads from the trace which were refused.</summary>
internal static partial class Strace
{
    private const string Flushes = "fdatasync,fsync";

    /// <summary>The command to start a server under: flushes fail from the n-th of each thread on (strace counts per thread).</summary>
    public static IReadOnlyList<string> FailingFrom(int nth, string traceFile) =>
    [
        ForeignTool.Find("strace"), "-D", "-f", "--seccomp-bpf", "-o", traceFile, "-e", $"trace={Flushes}",
        "-e", $"inject={Flushes}:error=EIO:when={nth}+",
    ];

    /// <summary>Attaches to a running server: every flush from now on fails. Returns when it is so.</summary>
    public static async Task<ForeignTool> FailFromNowAsync(int processId, string traceFile)
    {
        var tool = ForeignTool.Start(
            "strace", "-f", "-p", $"{processId}", "-o", traceFile, "-e", $"trace={Flushes}", "-e", $"inject={Flushes}:error=EIO");
        await tool.WaitForLineAsync(line => line.Contains("attached", StringComparison.Ordinal), "strace is attached");
        return tool;
    }

    /// <summary>Flushes that succeeded before the first one that was refused, and how many were refused.</summary>
    public static (int Good, int Refused) Count(string traceFile)
    {
        var good = 0;
        var refused = 0;
        foreach (var line in File.ReadLines(traceFile))
        {
            if (line.Contains("(INJECTED)", StringComparison.Ordinal))
            {
                refused++;
            }
            else if (refused == 0 && GoodFlush().IsMatch(line))
            {
                good++;
            }
        }

        return (good, refused);
    }

    [GeneratedRegex(@"(fdatasync|fsync).*\) += 0$")]
    private static partial Regex GoodFlush();
}
