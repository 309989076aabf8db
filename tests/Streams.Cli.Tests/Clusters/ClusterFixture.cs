using Streams.Testing;

namespace Streams.Cli.Tests;

/// <summary>A real server process, shared by tests that each use a stream of their own.</summary>
public sealed class ClusterFixture : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private ServerProcess? _server;
    private int _streams;

    public ServerProcessOptions Options { get; private set; } = null!;

    public string Cluster => $"sj=127.0.0.1:{Options.MqttPort}";

    public string Http => $"127.0.0.1:{Options.HttpPort}";

    public string NewStream() => $"/s{Interlocked.Increment(ref _streams)}";

    public async Task InitializeAsync()
    {
        Options = new ServerProcessOptions { ClusterName = "sj", DataDirectory = _directory.Combine("sj") };
        _server = await ServerProcess.StartHealthyAsync(Options);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    public void Dispose() => _directory.Dispose();
}
