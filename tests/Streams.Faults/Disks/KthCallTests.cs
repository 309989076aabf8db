using System.Globalization;
using Streams.EndToEnd.Tests;
using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Faults;

/// <summary>
/// A real process writes to real files, always the same steps, and the kernel refuses one of its calls: the k-th of a kind, for each kind
/// that the disk is used by and, in the long run, for each k. Whatever is refused: what was acknowledged is there after opening anew,
/// nothing else is, and nothing is acknowledged that was not flushed.
/// </summary>
public sealed class KthCallTests(ITestOutputHelper output)
{
    public const string EveryCallVariable = "STREAMS_EVERY_CALL";

    /// <summary>Calls of each kind that an ordinary run refuses.</summary>
    private const int OrdinarySample = 2;

    /// <summary>Runs in which so many are met.</summary>
    private const int MostTries = 6;

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
    public Task Whichever_call_the_kernel_refuses_no_acknowledged_event_is_lost(string call, string error)
        => Rounds.PlayAsync(chance => PlayAsync(call, error, chance));

    [Fact]
    public async Task A_segment_whose_name_is_refused_does_not_go_on_as_a_file_without_a_name()
    {
        // Without hard links the runtime would copy the file and delete the one that is written to.
        var run = await RunAsync("rename", "EIO", 1, without: "link");
        Assert.NotEmpty(run.Refused);
    }

    private async Task PlayAsync(string call, string error, SeededRandom chance)
    {
        var all = await RunAsync(call, "", 0);
        HashSet<int> places = [];
        var acknowledged = all.Acknowledged;
        var runs = 0;
        foreach (var k in IsEveryCall ? Enumerable.Range(1, MostCalls) : Sample(all.Calls, chance))
        {
            var run = await RunAsync(call, error, k);
            runs++;
            acknowledged += run.Acknowledged;
            places.UnionWith(run.Refused);
            if (IsEveryCall ? run.Refused.Count == 0 : places.Count >= OrdinarySample)
            {
                break;
            }
        }

        Assert.NotEmpty(places);
        Assert.True(!IsEveryCall || places.Count == places.Max() + 1, $"{places.Max() + 1 - places.Count} calls were left out");
        output.WriteLine(
            $"{call} {error}: {runs} runs, {places.Count} different calls refused, of {all.Calls} in a run without a fault, "
            + $"{acknowledged} events acknowledged, none lost");
    }

    // A refusal changes what comes after it, so not every k need be met.
    private static IEnumerable<int> Sample(int calls, Random chance)
        => Enumerable.Range(0, MostTries).Select(_ => chance.Next(1, calls + 1)).Distinct();

    /// <param name="call">The kind of call.</param>
    /// <param name="error">With what it is refused; empty: not at all.</param>
    /// <param name="k">The how many-th is refused.</param>
    /// <param name="without">A call that the file system does not offer.</param>
    private static async Task<KthRun> RunAsync(string call, string error, int k, string without = "")
    {
        using var directory = new TemporaryDirectory();
        var (trace, folder) = (directory.Combine("trace"), directory.Combine("container"));
        List<string> strace =
        [
            ForeignTool.Find("strace"), "-f", "-y", "--seccomp-bpf", "-o", trace,
            "-e", $"trace=openat,write,fdatasync,{call}{(without.Length > 0 ? "," + without : "")}",
        ];
        if (without.Length > 0)
        {
            strace.AddRange(["-e", $"inject={without}:error=EPERM"]);
        }

        if (error.Length > 0)
        {
            strace.AddRange(["-e", $"inject={call}:error={error}:when={k}"]);
        }

        // Every other process dies at the refusal, as if it had been killed; the rest goes on as far as it may.
        string[] arguments = ["steps", folder, Text(1000 + k), k % 4 < 2 ? "die" : "stay"];
        var ledger = new Ledger();
        await using (var writer = WriterProcess.Start(arguments, directory.Combine("acks"), strace, hasOneThread: true))
        {
            await writer.WaitForExitAsync(Patience);
            ledger.Read(writer.Acknowledgements);
        }

        var calls = CallTrace.Read(trace);
        var check = await StoreCheck.RunAsync(StepWriter.Options(folder, 1000 + k), ledger, nextProducer: 1);
        string[] findings = [.. check.Findings, .. CallTrace.Findings(calls)];
        var ofKind = calls.FindAll(one => one.Name == call);
        int[] refused = [.. Enumerable.Range(0, ofKind.Count).Where(i => ofKind[i].IsInjected)];
        Assert.True(
            findings.Length == 0,
            $"{call} {error} {k}, {ledger.Events} acknowledged:\n{string.Join('\n', refused.Select(i => ofKind[i]))}\n"
            + string.Join('\n', findings));
        return new KthRun(ofKind.Count, refused, ledger.Events);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Calls of the kind in the run, which of them were refused, and acknowledged events.</summary>
    private sealed record KthRun(int Calls, IReadOnlyList<int> Refused, long Acknowledged);
}
