using System.Globalization;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>Kills a process with SIGKILL when it is about to make a certain call of the system for the k-th time: that call is not made.
/// strace counts by thread. Or lets the system refuse calls.</summary>
internal static class CallTrap
{
    /// <summary>The command to start a process under. Without strace's filter in the kernel: behind it no signal is given.</summary>
    public static IReadOnlyList<string> Under(string calls, int kth, string traceFile) =>
        [ForeignTool.Find("strace"), "-D", "-f", "-o", traceFile, .. Injection(calls, kth)];

    /// <summary>Attaches to a process that runs.</summary>
    public static async Task<ForeignTool> AttachAsync(int processId, string calls, int kth, string traceFile)
    {
        var tool = ForeignTool.Start(
            "strace", ["-f", "-p", processId.ToString(CultureInfo.InvariantCulture), "-o", traceFile, .. Injection(calls, kth)]);
        await tool.WaitForLineAsync(line => line.Contains("attached", StringComparison.Ordinal), "strace is attached");
        return tool;
    }

    /// <summary>Attaches to a process that runs: from now on, until it is disposed, the system refuses these calls.</summary>
    public static async Task<ForeignTool> RefuseAsync(int processId, string calls, string error, string traceFile)
    {
        var tool = ForeignTool.Start(
            "strace", "-f", "-p", processId.ToString(CultureInfo.InvariantCulture), "-o", traceFile, "-e", $"trace={calls}",
            "-e", $"inject={calls}:error={error}");
        await tool.WaitForLineAsync(line => line.Contains("attached", StringComparison.Ordinal), "strace is attached");
        return tool;
    }

    private static string[] Injection(string calls, int kth) =>
        ["-e", $"trace={calls}", "-e", string.Create(CultureInfo.InvariantCulture, $"inject={calls}:signal=SIGKILL:when={kth}")];
}
