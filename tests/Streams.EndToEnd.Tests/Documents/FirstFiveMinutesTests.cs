using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>README.md promises that it works like this; here it is done like this.</summary>
public sealed class FirstFiveMinutesTests
{
    private const string Section = "The first five minutes";

    [Fact]
    public async Task The_lines_of_the_first_five_minutes_do_what_is_said()
    {
        var blocks = Readme.Blocks(Section, "sh");
        using var shell = new ReadmeShell();
        await using var server = shell.Start(Assert.Single(blocks[0]));
        await shell.ListensAsync(1883, server);

        Assert.Equal(2, blocks[1].Count);
        await using var listener = shell.Start(blocks[1][0]);
        await SubscribedAsync(shell);
        await shell.RunAsync(blocks[1][1]);
        Assert.Equal(
            "fleet/car-17/telemetry {\"speed\":52}",
            await listener.WaitForLineAsync(line => line.StartsWith("fleet/", StringComparison.Ordinal), "the message"));

        var lanes = await shell.RunAsync(Assert.Single(blocks[2]));
        Assert.Contains("\"nextOffset\":1", lanes, StringComparison.Ordinal);
        Assert.Contains("\"origin\":\"local.", lanes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lines_for_two_clusters_make_two_clusters_that_replicate()
    {
        var lines = Assert.Single(Readme.Blocks("Two clusters", "sh"));
        Assert.Equal(2, lines.Count);
        using var shell = new ReadmeShell();
        await using var sj = shell.Start(lines[0]);
        await using var ny = shell.Start(lines[1]);
        await shell.ListensAsync(1883, sj);
        await shell.ListensAsync(1884, ny);

        await Mosquitto.PublishAsync(shell.Port(1883), "fleet/car-17/telemetry", ["from sj"]);
        await Mosquitto.PublishAsync(shell.Port(1884), "fleet/car-17/telemetry", ["from ny"]);
        foreach (var port in (int[])[8080, 8081])
        {
            using var api = new ClusterApi(shell.Port(port));
            await Eventually.EqualAsync(
                ["from ny", "from sj"],
                async () => (await api.EventsAsync("/fleet")).Select(found => found.Event.Text).Order().ToArray(),
                "both clusters have both events");
        }
    }

    [Fact]
    public void The_code_of_the_first_five_minutes_compiles()
    {
        var source = File.ReadAllLines(Path.Combine(
            Repository.Root, "tests", "Streams.EndToEnd.Tests", "Documents", nameof(ReadmeSnippet) + ".cs"));
        var compiled = source
            .SkipWhile(line => line.Trim() != ReadmeSnippet.Begin).Skip(1)
            .TakeWhile(line => line.Trim() != ReadmeSnippet.End)
            .Select(line => line.Length > 8 ? line[8..] : "");
        Assert.Equal(compiled, Assert.Single(Readme.Blocks(Section, "csharp")));
    }

    /// <summary>The listener of README.md says nothing when it is subscribed; the server knows it.</summary>
    private static async Task SubscribedAsync(ReadmeShell shell)
    {
        using var api = new ClusterApi(shell.Port(8080));
        await Eventually.TrueAsync(
            async () => (await api.TextAsync("api/v1/status")).Contains("\"subscriptions\":1", StringComparison.Ordinal),
            "the listener has subscribed");
    }
}
