using System.Globalization;
using Streams.Testing;

namespace Streams.Tidy.Tests;

/// <summary>The real tools, as later tests use them.</summary>
public sealed class ForeignToolTests
{
    [Fact]
    public void A_missing_tool_is_named()
    {
        var failure = Assert.Throws<ToolMissingException>(() => ForeignTool.Find("no-such-tool-anywhere"));
        Assert.StartsWith("no-such-tool-anywhere is not installed.", failure.Message, StringComparison.Ordinal);
        Assert.Contains("(Debian package strace)", new ToolMissingException("strace", "strace").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_that_fails_is_reported_with_its_output()
    {
        Assert.Equal(["hello"], await ForeignTool.RunAsync("sh", ["-c", "echo hello"]));
        var failure = await Assert.ThrowsAsync<ToolFailedException>(() => ForeignTool.RunAsync("sh", ["-c", "echo sorry; exit 1"]));
        Assert.Contains("sorry", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_of_a_real_subscriber_arrive_while_it_runs()
    {
        var port = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        await using var broker = ForeignTool.Start("mosquitto", "-p", port);
        await broker.WaitForLineAsync(line => line.EndsWith("running", StringComparison.Ordinal), "the broker's start");
        await using var subscriber = ForeignTool.Start("mosquitto_sub", "-d", "-p", port, "-q", "1", "-t", "a/#", "-v");
        await subscriber.WaitForLineAsync(line => line.StartsWith("Subscribed", StringComparison.Ordinal), "the subscription");

        await ForeignTool.RunAsync("mosquitto_pub", ["-p", port, "-q", "1", "-t", "a/b", "-m", "hello"]);

        await subscriber.WaitForLineAsync(line => line == "a/b hello", "the event");
        Assert.Equal(0, await broker.TerminateAsync());
    }

    [Fact]
    public async Task A_program_traced_by_a_detached_tracer_keeps_its_process_id()
    {
        using var directory = new TemporaryDirectory();
        var trace = directory.Combine("trace");
        const string Script = "trap 'exit 5' TERM; echo $$; while :; do sleep 0.05; done";
        string[] command = ["-D", "-f", "-e", "trace=write", "-o", trace, "sh", "-c", Script];
        await using var child = ChildProcess.Start(ForeignTool.Find("strace"), command);

        var id = await child.WaitForLineAsync(line => line.Length > 0, "its own id");
        Assert.Equal(id, child.Id.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(5, await child.TerminateAsync());
        await Eventually.TrueAsync(
            () => File.ReadAllText(trace).Contains($"write(1, \"{id}", StringComparison.Ordinal), "the write is in the trace");
    }
}
