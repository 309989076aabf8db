using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A cluster whose process may be killed and started again with the same name, data and ports.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private ServerProcess? _server;

    public TestCluster(ServerProcessOptions options)
    {
        Options = options;
        Api = new ClusterApi(options.HttpPort);
    }

    public ServerProcessOptions Options { get; }

    public ClusterApi Api { get; }

    public ServerProcess Server => _server ?? throw new InvalidOperationException($"cluster {Options.ClusterName} was never started");

    /// <summary>The endpoint for the SDK, directly at the server.</summary>
    public ClusterEndpoint Endpoint => At(Options.MqttPort);

    /// <summary>A cluster of one node that replicates to nobody, started and healthy.</summary>
    public static async Task<TestCluster> StartAloneAsync(TemporaryDirectory directory, string name = "sj")
    {
        var cluster = new TestCluster(new ServerProcessOptions { ClusterName = name, DataDirectory = directory.Combine(name) });
        try
        {
            await cluster.StartAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The endpoint for the SDK at another port, such as a proxy's.</summary>
    public ClusterEndpoint At(int port) => new(ClusterName.Parse(Options.ClusterName), "127.0.0.1", port);

    /// <summary>Starts the process and waits until it is healthy.</summary>
    public async Task StartAsync(Func<ServerProcessOptions, ServerProcessOptions>? with = null)
    {
        await StopAsync();
        _server = await ServerProcess.StartHealthyAsync(with?.Invoke(Options) ?? Options);
    }

    /// <summary>Starts the process without waiting for its health: it may be meant to fail.</summary>
    public async Task<ServerProcess> LaunchAsync(Func<ServerProcessOptions, ServerProcessOptions>? with = null)
    {
        await StopAsync();
        return _server = ServerProcess.Start(with?.Invoke(Options) ?? Options);
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Server.KillAsync();

    /// <summary>The memory of the process that is in use now.</summary>
    public long ResidentKilobytes() => File.ReadLines($"/proc/{Server.Id}/status")
        .Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
        .Select(line => long.Parse(line["VmRSS:".Length..^"kB".Length]))
        .Single();

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await StopAsync();
    }

    private async ValueTask StopAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
