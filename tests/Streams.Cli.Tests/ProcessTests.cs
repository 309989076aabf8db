using Streams.Testing;

namespace Streams.Cli.Tests;

/// <summary>The program as a process: signals and pipes.</summary>
public sealed class ProcessTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IDisposable
{
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task A_signal_ends_what_follows_a_stream_in_order()
    {
        string stream = cluster.NewStream();
        await CliRun.GoodAsync("publish", stream, "t", "seen", "--cluster", cluster.Cluster);
        await using ChildProcess child = Start("consume", stream, "--follow", "--consumer", "f", "--ack", "--cluster", cluster.Cluster);
        await child.WaitForLineAsync(static line => line.EndsWith(" t seen", StringComparison.Ordinal), "the event is seen");

        int code = await child.TerminateAsync();

        Assert.Equal((int)ExitCode.Interrupted, code);
        Assert.Contains("streams: interrupted", child.Lines);
        Assert.DoesNotContain(child.Lines, static line => line.StartsWith("   at ", StringComparison.Ordinal));
        CliRun rest = await CliRun.GoodAsync("consume", stream, "--consumer", "f", "--idle", "3s", "--cluster", cluster.Cluster);
        Assert.Empty(rest.Lines);                               // the acknowledgement was committed before the end
    }

    [Fact]
    public async Task A_signal_ends_a_publish_that_waits_for_input()
    {
        await using ChildProcess child = Start("publish", cluster.NewStream(), "t", "--verbose", "--cluster", cluster.Cluster);
        await child.WaitForLineAsync(static line => line.Contains("Connected to sj", StringComparison.Ordinal), "it is connected");

        Assert.Equal((int)ExitCode.Interrupted, await child.TerminateAsync());
    }

    [Fact]
    public async Task Nobody_reading_the_output_is_no_fault()
    {
        await _story.PublishAsync(5000);
        string program = $"'{Repository.DotnetHost}' '{Repository.BuiltProgram("sdk/Streams.Cli")}'";
        string command = $"{program} outbox export '{_story.File}' | head -n 1; echo status ${{PIPESTATUS[0]}}";

        await using ChildProcess child = ChildProcess.Start("bash", ["-c", command]);
        await child.WaitForExitAsync();

        Assert.Equal(2, child.Lines.Count);
        Assert.Equal("status 0", child.Lines[1]);
    }

    private static ChildProcess Start(params string[] arguments) =>
        ChildProcess.Start(Repository.DotnetHost, [Repository.BuiltProgram("sdk/Streams.Cli"), .. arguments]);
}
