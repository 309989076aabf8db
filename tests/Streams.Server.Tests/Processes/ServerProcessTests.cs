using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed partial class ServerProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task It_says_when_it_is_ready_and_ends_with_0_when_asked_to()
    {
        ServerProcessOptions options = Options("sj");
        await using ServerProcess server = await ServerProcess.StartHealthyAsync(options);

        string ready = await server.WaitForLineAsync(IsReady, "the ready line");
        int code = await server.TerminateAsync();

        Assert.Matches(
            $"^ready: cluster sj  mqtt 127.0.0.1:{options.MqttPort}  http 127.0.0.1:{options.HttpPort}  "
            + $"link 127.0.0.1:{options.LinkPort}  data {options.DataDirectory}  origin sj\\.[0-9a-f]{{16}}$",
            ready);
        Assert.Equal(0, code);
        Assert.DoesNotContain(server.Lines, line => Fault().IsMatch(line));
    }

    [Fact]
    public async Task A_killed_server_goes_on_under_the_same_origin()
    {
        ServerProcessOptions options = Options("sj");
        string before;
        await using (ServerProcess server = await ServerProcess.StartHealthyAsync(options))
        {
            before = await OriginAsync(server);
            await server.KillAsync();
        }

        await using ServerProcess again = await ServerProcess.StartHealthyAsync(options);
        Assert.Equal(before, await OriginAsync(again));
    }

    [Fact]
    public async Task A_copied_data_directory_starts_under_a_new_origin()
    {
        ServerProcessOptions options = Options("sj");
        string before;
        await using (ServerProcess server = await ServerProcess.StartHealthyAsync(options))
        {
            before = await OriginAsync(server);
            await server.TerminateAsync();
        }

        using (Process copy = Process.Start("cp", ["-a", options.DataDirectory, _directory.Combine("copy")]))
        {
            await copy.WaitForExitAsync();
        }

        options = options with { DataDirectory = _directory.Combine("copy") };
        await using ServerProcess started = await ServerProcess.StartHealthyAsync(options);
        Assert.NotEqual(before, await OriginAsync(started));
        Assert.Contains(started.Lines, line => line.Contains("DirectoryCopied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_server_on_the_same_data_is_refused_in_one_line()
    {
        ServerProcessOptions options = Options("sj");
        await using ServerProcess first = await ServerProcess.StartHealthyAsync(options);

        await AssertRefusedAsync(
            Options("sj"), 1, $"streams: data directory {options.DataDirectory} is in use by another process (process {first.Id})");
        Assert.False(first.HasExited);
    }

    [Fact]
    public async Task The_data_of_another_cluster_is_refused_in_one_line()
    {
        ServerProcessOptions options = Options("sj");
        await using (ServerProcess first = await ServerProcess.StartHealthyAsync(options))
        {
            await first.TerminateAsync();
        }

        options = options with { ClusterName = "ny" };
        await AssertRefusedAsync(options, 2, $"streams: data directory {options.DataDirectory} belongs to cluster 'sj', not 'ny'");
    }

    [Theory]
    [InlineData("mqtt")]
    [InlineData("http")]
    [InlineData("link")]
    public async Task A_port_in_use_is_named(string endpoint)
    {
        using TcpListener taken = new(IPAddress.Loopback, FreePort.Next());
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        ServerProcessOptions options = Options("sj");
        options = endpoint switch
        {
            "mqtt" => options with { MqttPort = port },
            "http" => options with { HttpPort = port },
            _ => options with { LinkPort = port },
        };

        string line = Assert.Single(await RefusalAsync(options, 1));
        Assert.StartsWith($"streams: --{endpoint} 127.0.0.1:{port}: ", line, StringComparison.Ordinal);
        Assert.EndsWith(endpoint == "link" ? "uses the port" : "the port is in use by another program", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_options_are_told_all_at_once_with_exit_code_2()
    {
        ServerProcessOptions options = Options("sj") with { ExtraArguments = ["--wild", "--incarnation", "never"] };

        await AssertRefusedAsync(
            options, 2, "streams: --wild: unknown option, see --help", "streams: --incarnation 'never': must be guarded or always");
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_made_is_told_in_one_line()
    {
        File.WriteAllText(_directory.Combine("file"), "");
        ServerProcessOptions options = Options("sj") with { DataDirectory = _directory.Combine("file", "data") };

        string line = Assert.Single(await RefusalAsync(options, 1));
        Assert.StartsWith($"streams: data directory {options.DataDirectory} cannot be used: ", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "--link-to NAME=HOST:PORT")]
    [InlineData("--version", "0.1.0")]
    public async Task Help_and_version_are_printed(string argument, string expected)
    {
        await using ChildProcess program = ChildProcess.Start(
            Repository.DotnetHost, [Repository.BuiltProgram("server/Streams.Server"), argument]);

        Assert.Equal(0, await program.WaitForExitAsync());
        Assert.Contains(program.Lines, line => line.Contains(expected, StringComparison.Ordinal));
    }

    private static bool IsReady(string line) => line.StartsWith("ready: ", StringComparison.Ordinal);

    private static async Task<string> OriginAsync(ServerProcess server) =>
        OriginText().Match(await server.WaitForLineAsync(IsReady, "the ready line")).Value;

    private static async Task AssertRefusedAsync(ServerProcessOptions options, int code, params string[] lines) =>
        Assert.Equal(lines, await RefusalAsync(options, code));

    /// <summary>The lines of the refusal; everything else that is written must be a log line.</summary>
    private static async Task<string[]> RefusalAsync(ServerProcessOptions options, int code)
    {
        await using ServerProcess server = ServerProcess.Start(options);
        int exit = await server.WaitForExitAsync();
        Assert.True(code == exit, server.Report);
        return [.. server.Lines.Where(line => !LogLine().IsMatch(line))];
    }

    private ServerProcessOptions Options(string cluster) => new() { ClusterName = cluster, DataDirectory = _directory.Combine("data") };

    [GeneratedRegex(" (error|fatal) |Exception")]
    private static partial Regex Fault();

    [GeneratedRegex("origin sj\\.[0-9a-f]{16}$")]
    private static partial Regex OriginText();

    [GeneratedRegex("^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z (info |warn ) ")]
    private static partial Regex LogLine();
}
