using Streams.Testing;

namespace Streams.Tidy.Tests;

public sealed class ChildProcessTests
{
    [Fact]
    public async Task Lines_of_both_outputs_are_captured_and_the_exit_code_is_told()
    {
        await using var child = Shell("echo out; echo err >&2; exit 3");
        Assert.Equal(3, await child.WaitForExitAsync());
        Assert.Equal(["err", "out"], child.Lines.Order());
        Assert.Contains("exited with 3", child.Report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_can_be_waited_for_and_input_given()
    {
        await using var child = Shell("while read line; do echo \"got $line\"; done");
        await child.WriteLineAsync("one");
        Assert.Equal("got one", await child.WaitForLineAsync(line => line.StartsWith("got", StringComparison.Ordinal), "an answer"));
        child.CloseInput();
        Assert.Equal(0, await child.WaitForExitAsync());
    }

    [Fact]
    public async Task Waiting_for_a_line_ends_with_the_process_and_shows_its_output()
    {
        await using var child = Shell("echo something else");
        var failure = await Assert.ThrowsAsync<NotReachedException>(() => child.WaitForLineAsync(line => line == "never", "'never'"));
        Assert.Contains("something else", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Terminating_gives_the_exit_code_the_process_chose()
    {
        await using var child = Shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do read line; done");
        await child.WaitForLineAsync(line => line == "ready", "'ready'");
        child.CloseInput();
        Assert.Equal(7, await child.TerminateAsync());
        Assert.Contains("bye", child.Lines);
    }

    [Fact]
    public async Task A_process_that_ignores_termination_is_reported_and_can_be_killed()
    {
        await using var child = Shell("trap '' TERM; echo ready; while :; do read line; done");
        await child.WaitForLineAsync(line => line == "ready", "'ready'");
        await Assert.ThrowsAsync<NotReachedException>(() => child.TerminateAsync(TimeSpan.FromMilliseconds(100)));
        await child.KillAsync();
        Assert.Equal(137, child.ExitCode);
    }

    [Fact]
    public async Task A_paused_process_does_nothing_until_resumed()
    {
        await using var child = Shell("while read line; do echo \"got $line\"; done");
        child.Pause();
        await Eventually.EqualAsync('T', () => StateOf(child.Id), "the process is stopped");
        await child.WriteLineAsync("one");
        Assert.Empty(child.Lines);
        child.Resume();
        await child.WaitForLineAsync(line => line == "got one", "the answer");
    }

    [Fact]
    public async Task Disposal_kills_a_paused_process_and_its_children()
    {
        string grandchild;
        var child = Shell("sleep 1000 & echo $!; wait");
        await using (child)
        {
            grandchild = await child.WaitForLineAsync(line => line.Length > 0, "the id of the grandchild");
            child.Pause();
        }

        Assert.True(child.HasExited);
        await Eventually.TrueAsync(() => !IsAlive(grandchild), "the grandchild is gone");
    }

    [Fact]
    public void The_servers_command_line_is_as_documented()
    {
        var options = new ServerProcessOptions
        {
            ClusterName = "sj", DataDirectory = "/data", MqttPort = 1, HttpPort = 2, LinkPort = 3,
            LinksTo = [new("ny", "127.0.0.1", 4), new("la", "host", 5)], ExtraArguments = ["--x"],
        };
        Assert.Equal(
            "--cluster sj --data /data --mqtt 127.0.0.1:1 --http 127.0.0.1:2 --link 127.0.0.1:3"
            + " --link-to ny=127.0.0.1:4 --link-to la=host:5 --x",
            string.Join(' ', options.ToArguments()));
    }

    private static ChildProcess Shell(string script) => ChildProcess.Start("/bin/sh", ["-c", script]);

    private static char StateOf(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }

    // A grandchild whose parent died is reaped by whoever adopts it; where nobody does, it stays as a zombie.
    private static bool IsAlive(string id) => Directory.Exists($"/proc/{id}") && StateOf(int.Parse(id)) != 'Z';
}
