using System.Globalization;
using System.Net.Sockets;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// Runs lines of README.md in an empty directory. What is written in the lines is run; only ports are exchanged for free ones, the path
/// of a project is made absolute, and the build that the test was built with is taken instead of a new one. Ports that the lines leave
/// to the defaults come from the environment and from mosquitto's own option files.
/// </summary>
internal sealed class ReadmeShell : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<int, int> _ports = [];

    public ReadmeShell()
    {
        foreach (var tool in (string[])["mosquitto_sub", "mosquitto_pub"])
        {
            File.WriteAllText(Path.Combine(_directory.CreateDirectory("config"), tool), $"-p {Port(1883)}\n");
        }
    }

    /// <summary>The port that stands for one of README.md.</summary>
    public int Port(int written)
    {
        if (!_ports.TryGetValue(written, out var port))
        {
            port = _ports[written] = FreePort.Next();
        }

        return port;
    }

    /// <summary>Starts a line and returns at once.</summary>
    public ChildProcess Start(string line)
    {
        var text = line
            .Replace("-c Release", $"-c {Repository.Configuration} --no-build", StringComparison.Ordinal)
            .Replace("--project ", $"--project {Repository.Root}/", StringComparison.Ordinal);
        foreach (var written in (int[])[1883, 1884, 8080, 8081, 7070, 7071])
        {
            text = text.Replace($":{written}", $":{Port(written)}", StringComparison.Ordinal);
        }

        // Without line buffering what mosquitto_sub writes into a pipe would show only at its end.
        return ChildProcess.Start("stdbuf", ["--output=L", "bash", "-c", text], _directory.FullName, new Dictionary<string, string?>
        {
            ["XDG_CONFIG_HOME"] = _directory.Combine("config"),
            ["STREAMS__MQTT"] = Loopback(1883),
            ["STREAMS__HTTP"] = Loopback(8080),
            ["STREAMS__LINK"] = Loopback(7070),
        });
    }

    /// <summary>Runs a line to its end and gives what it wrote.</summary>
    public async Task<string> RunAsync(string line)
    {
        await using var child = Start(line);
        Assert.True(await child.WaitForExitAsync() == 0, child.Report);
        return string.Join('\n', child.Lines);
    }

    /// <summary>Waits until someone listens on the port that stands for one of README.md.</summary>
    public Task ListensAsync(int written, ChildProcess server) => Eventually.TrueAsync(
        async () =>
        {
            Assert.False(server.HasExited, server.Report);
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", Port(written));
            return true;
        },
        $"someone listens on the port for {written}", TimeSpan.FromSeconds(60), () => server.Report);

    public void Dispose() => _directory.Dispose();

    private string Loopback(int written) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port(written)}");
}
