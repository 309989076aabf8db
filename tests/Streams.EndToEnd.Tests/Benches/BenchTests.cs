using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The benches stay alive: each runs small here. Their figures are for people, never for a test.</summary>
public class BenchTests
{
    [Fact]
    public async Task Every_bench_runs_small_and_says_what_it_measured()
    {
        using TemporaryDirectory directory = new();
        await using ChildProcess bench = ChildProcess.Start(Repository.DotnetHost,
            [Repository.BuiltProgram("bench/Streams.Bench"), "--small", "--directory", directory.FullName]);
        Assert.Equal(0, await bench.WaitForExitAsync(TimeSpan.FromMinutes(2)));
        Assert.Equal(3, bench.Lines.Count(line => line.Contains("codec   ", StringComparison.Ordinal)));
        Assert.Equal(28, bench.Lines.Count(line => line.StartsWith("row ", StringComparison.Ordinal)));
    }
}
