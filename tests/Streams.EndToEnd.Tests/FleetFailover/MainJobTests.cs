using System.Text.Json;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The main job itself, small: real servers, real cars, a real kill. And its judge, put to the test as its users would.</summary>
public class MainJobTests
{
    [Fact]
    public async Task Cars_whose_cluster_is_killed_go_on_elsewhere_and_the_verdict_is_clean()
    {
        using TemporaryDirectory directory = new();
        string report = directory.Combine("report.json");
        await using ChildProcess job = Start("--cars", "8", "--seconds", "6", "--kill", "origin", "--report", report);
        Assert.True(await job.WaitForExitAsync(TimeSpan.FromMinutes(3)) == 0, job.Report);

        using JsonDocument read = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        JsonElement root = read.RootElement;
        Assert.True(root.GetProperty("published").GetInt64() > 100, job.Report);
        foreach (string promise in new[] { "lost", "duplicates", "outOfOrder", "offsetMismatches", "commandsLost", "commandDuplicates" })
        {
            Assert.Equal(0, root.GetProperty(promise).GetInt64());
        }

        Assert.Equal(root.GetProperty("published").GetInt64(), root.GetProperty("delivered").GetInt64());
        Assert.True(root.GetProperty("resumeMilliseconds").GetProperty("p50").GetDouble() > 0, "nobody moved: the kill tested nothing");
        Assert.Equal(3, root.GetProperty("clusters").GetArrayLength());
    }

    [Theory]
    [InlineData("lose", "lost")]
    [InlineData("duplicate", "duplicates")]
    [InlineData("reorder", "outOfOrder")]
    [InlineData("mismatch", "offsetMismatches")]
    public async Task A_fault_put_before_the_judge_is_found_and_named(string sabotage, string named)
    {
        using TemporaryDirectory directory = new();
        string report = directory.Combine("report.json");
        await using ChildProcess job = Start("--cars", "3", "--seconds", "2", "--kill", "none", "--sabotage", sabotage, "--report", report);
        Assert.True(await job.WaitForExitAsync(TimeSpan.FromMinutes(3)) == 1, job.Report);

        using JsonDocument read = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        Assert.True(read.RootElement.GetProperty(named).GetInt64() > 0, job.Report);
        Assert.Contains(job.Lines, line => line.Contains("VERDICT FAIL", StringComparison.Ordinal));
    }

    private static ChildProcess Start(params string[] arguments) =>
        ChildProcess.Start(Repository.DotnetHost, [Repository.BuiltProgram("samples/FleetFailover"), .. arguments]);
}
