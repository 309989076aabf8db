using System.Net;
using System.Net.Sockets;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>What an operator sees who starts the server wrongly: one clear line and the right exit code, never a stack trace.</summary>
public sealed class StartUpFaultTests
{
    private const int CouldNotStart = 1;
    private const int WrongConfiguration = 2;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("--shards 5", "--shards")]
    [InlineData("--mqt 127.0.0.1:1883", "--mqtt")]
    [InlineData("--log-level loud", "loud")]
    [InlineData("--incarnation sometimes", "sometimes")]
    [InlineData("--link-to ny", "ny")]
    [InlineData("--link-to ny=127.0.0.1:99999", "99999")]
    [InlineData("--link-to sj=127.0.0.1:7071", "itself")]
    [InlineData("--witness", "--witness")]
    [InlineData("--mqtt-tls 127.0.0.1:0 --tls-certificate none.pem", "none.pem")]
    [InlineData("--mqtt-tls 127.0.0.1:0", "--tls-certificate")]
    [InlineData("please", "please")]
    public async Task A_wrong_option_is_named_in_one_line(string arguments, string named)
    {
        using var directory = new TemporaryDirectory();
        await FailsAsync(Options(directory) with { ExtraArguments = arguments.Split(' ') }, WrongConfiguration, named);
        Assert.False(Directory.Exists(directory.Combine("sj")), "a server with wrong options must not touch the disk");
    }

    [Fact]
    public async Task All_faults_of_the_options_are_told_together()
    {
        using var directory = new TemporaryDirectory();
        var server = ServerProcess.Start(Options(directory) with { ExtraArguments = ["--shards", "5", "--log-level", "loud"] });
        await using var owned = server;
        Assert.Equal(WrongConfiguration, await server.WaitForExitAsync(Limit));
        Assert.Contains(server.Lines, line => line.Contains("--shards", StringComparison.Ordinal));
        Assert.Contains(server.Lines, line => line.Contains("loud", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mqtt")]
    [InlineData("http")]
    [InlineData("link")]
    public async Task A_port_in_use_is_named_in_one_line(string which)
    {
        using var directory = new TemporaryDirectory();
        var options = Options(directory);
        var port = which == "mqtt" ? options.MqttPort : which == "http" ? options.HttpPort : options.LinkPort;
        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        await FailsAsync(options, CouldNotStart, $"{port}");
    }

    [Fact]
    public async Task The_data_of_another_cluster_is_refused_and_left_alone()
    {
        using var directory = new TemporaryDirectory();
        await using (var cluster = await TestCluster.StartAloneAsync(directory))
        {
            Assert.Equal(0, await cluster.Server.TerminateAsync(Limit));
        }

        await FailsAsync(Options(directory) with { ClusterName = "ny" }, WrongConfiguration, "sj");
        await using var again = await TestCluster.StartAloneAsync(directory);
    }

    [Fact]
    public async Task A_directory_full_of_other_things_is_refused()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.CreateDirectory("sj"), "letter.txt"), "dear customer");
        await FailsAsync(Options(directory), WrongConfiguration, "letter.txt");
    }

    [Fact]
    public async Task A_data_directory_in_use_by_a_live_process_is_refused_and_that_process_goes_on()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await FailsAsync(Options(directory), CouldNotStart, "in use");
        Assert.Equal(HttpStatusCode.OK, await cluster.Api.HealthAsync());
        await Mosquitto.PublishAsync(cluster.Options.MqttPort, "fleet/car-1", ["still here"]);
    }

    private static ServerProcessOptions Options(TemporaryDirectory directory)
        => new() { ClusterName = "sj", DataDirectory = directory.Combine("sj") };

    private static async Task FailsAsync(ServerProcessOptions options, int exitCode, string named)
    {
        await using var server = ServerProcess.Start(options);
        var code = await server.WaitForExitAsync(Limit);
        Assert.True(code == exitCode, $"exit code {exitCode} expected: {server.Report}");
        Assert.Empty(ServerLines.StackTraces(server.Lines));
        var complaint = Assert.Single(ServerLines.Complaints(server.Lines));
        Assert.Contains(named, complaint, StringComparison.Ordinal);
    }
}
