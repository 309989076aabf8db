using System.Globalization;
using Streams.EndToEnd.Tests;
using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Faults;

/// <summary>
/// A real process writes to real files, always the same steps, and the kernel refuses one of its calls: the k-th of a kind, for each kind
/// that the disk is used by and, in the long run, for each k. Whatever is refused: what was acknowledged is there after opening anew, nothing
/// else is, and nothing is acknowledged that was not flushed.
/// </summary>
public sealed class KthCallTests(ITestOutputHelper output)
{
    public const string EveryCallVariable = "STREAMS_EVERY_CALL";

    /// <summary>Calls of each kind that an ordinary run refuses.</summary>
    private const int OrdinarySample = 2;

    /// <summary>A k beyond this is a process that never ends.</summary>
    private const int MostCalls = 5000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static bool IsEveryCall => Environment.GetEnvironmentVariable(EveryCallVariable) == "1";

    [Theory]
    [InlineData("fdatasync", "EIO")]
    [InlineData("fdatasync", "ENOSPC")]
    [InlineData("fsync", "EIO")]
    [InlineData("fsync", "ENOSPC")]
    [InlineData("pwrite64", "EIO")]
    [InlineData("pwrite64", "ENOSPC")]
    [InlineData("fallocate", "EIO")]
    [InlineData("fallocate", "ENOSPC")]
    [InlineData("ftruncate", "EIO")]
    [InlineData("rename", "EIO")]
    [InlineData("unlink", "EIO")]
    public Task Whichever_call_the_kernel_refuses_no_acknowledged_event_is_lost(string call, string error) => Rounds.PlayAsync(async chance =>
    {
        var calls = await RunAsync(call, "", 0);
        var mostOfOneThread = calls.Calls;
        var places = new HashSet<int>();
        long acknowledged = calls.Acknowledged;
        var runs = 0;
        foreach (var k in IsEveryCall ? Enumerable.Range(1, MostCalls) : Sample(mostOfOneThread, chance))
        {
            var run = await RunAsync(call, error, k);
            runs++;
            acknowledged += run.Acknowledged;
            if (run.RefusedAt is { } place)
            {
                places.Add(place);
            }
            else if (IsEveryCall)
            {
                break;
            }
        }

        Assert.NotEmpty(places);
        output.WriteLine(
            $"{call} {error}: {runs} runs, {places.Count} different calls of about {calls.Calls} refused, "
            + $"{acknowledged} events acknowledged, none lost");
    });

    // The first call is mostly one of opening; any other may come up.
    private static IEnumerable<int> Sample(int calls, Random chance)
        => Enumerable.Range(0, OrdinarySample).Select(_ => chance.Next(1, Math.Max(2, calls + 1))).Distinct();

    /// <param name="call">The kind of call.</param>
    /// <param name="error">With what it is refused; empty: not at all.</param>
    /// <param name="k">The how many-th of a thread is refused.</param>
    private static async Task<KthRun> RunAsync(string call, string error, int k)
    {
        using var directory = new TemporaryDirectory();
        var (trace, folder) = (directory.Combine("trace"), directory.Combine("container"));
        List<string> strace =
        [
            ForeignTool.Find("strace"), "-f", "-y", "--seccomp-bpf", "-o", trace,
            "-e", $"trace=openat,write,fdatasync,{call}",
        ];
        if (error.Length > 0)
        {
            strace.AddRange(["-e", $"inject={call}:error={error}:when={k}"]);
        }

        // Every other process dies at the refusal, as if it had been killed; the rest goes on as far as it may.
        string[] arguments = ["steps", folder, Text(1000 + k), k % 4 < 2 ? "die" : "stay"];
        var ledger = new Ledger();
        await using (var writer = WriterProcess.Start(arguments, directory.Combine("acks"), strace))
        {
            await writer.WaitForExitAsync(Patience);
            ledger.Read(writer.Acknowledgements);
        }

        var calls = CallTrace.Read(trace);
        var check = await StoreCheck.RunAsync(StepWriter.Options(folder, 1000 + k), ledger, nextProducer: 1);
        string[] findings = [.. check.Findings, .. CallTrace.Findings(calls)];
        var ofKind = calls.FindAll(one => one.Name == call);
        var refused = ofKind.FindIndex(one => one.IsInjected);
        Assert.True(
            findings.Length == 0,
            $"{call} {error} {k}, {(refused < 0 ? "" : ofKind[refused])}, {ledger.Events} acknowledged:\n{string.Join('\n', findings)}");
        return new KthRun(ofKind.Count, refused < 0 ? null : refused + 1, ledger.Events);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Calls of the kind in the run, the how many-th was the first to be refused, and acknowledged events.</summary>
    private readonly record struct KthRun(int Calls, int? RefusedAt, long Acknowledged);
}
