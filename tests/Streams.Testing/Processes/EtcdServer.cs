using System.Globalization;

namespace Streams.Testing;

/// <summary>A real etcd of one member on loopback, with a directory of its own. It can be stopped, killed and started again on the same
/// data
/// and port.</summary>
public sealed class EtcdServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly IReadOnlyList<string> _more;
    private readonly string _scheme;
    private readonly int _peerPort = FreePort.Next();
    private ForeignTool? _tool;

    private EtcdServer(string scheme, IReadOnlyList<string> more)
    {
        _scheme = scheme;
        _more = more;
    }

    /// <summary>The port of clients, on 127.0.0.1.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>What clients connect to.</summary>
    public Uri Endpoint => At(Port);

    /// <summary>What it wrote.</summary>
    public string Report => _tool?.Report ?? "not started";

    /// <summary>Starts one and waits until it serves.</summary>
    /// <exception cref="ToolMissingException">It is not installed.</exception>
    public static Task<EtcdServer> StartAsync(params IReadOnlyList<string> more) => StartAsync("http", more);

    /// <summary>Starts one whose clients come over TLS.</summary>
    public static async Task<EtcdServer> StartAsync(string scheme, IReadOnlyList<string> more)
    {
        EtcdServer server = new(scheme, more);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same server behind another port, as a proxy has it.</summary>
    public Uri At(int port) => new(string.Create(CultureInfo.InvariantCulture, $"{_scheme}://127.0.0.1:{port}"));

    /// <summary>Starts it on the data that it has.</summary>
    public async Task StartAgainAsync()
    {
        string client = Endpoint.ToString().TrimEnd('/');
        string peer = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_peerPort}");
        _tool = ForeignTool.Start("etcd", [
            "--name", "m", "--data-dir", _directory.Combine("data"), "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"m={peer}",

            // Elections, and with them the shortest lease, at the speed of tests.
            "--heartbeat-interval", "20", "--election-timeout", "200", "--logger", "zap", .. _more]);
        await _tool.WaitForLineAsync(
            line => line.Contains("ready to serve client requests", StringComparison.Ordinal)
                || line.Contains("serving insecure client requests", StringComparison.Ordinal)
                || line.Contains("serving client", StringComparison.Ordinal),
            "etcd to serve");
    }

    /// <summary>As kill -9 does.</summary>
    public Task KillAsync() => _tool!.KillAsync();

    /// <summary>Stops it in order.</summary>
    public Task StopAsync() => _tool!.TerminateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_tool is not null)
        {
            await _tool.DisposeAsync();
        }

        _directory.Dispose();
    }
}
