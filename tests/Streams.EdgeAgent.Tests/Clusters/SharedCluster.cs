using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>One real cluster for the stories that kill none.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();

    public ServerProcess Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await ServerProcess.StartHealthyAsync(new ServerProcessOptions
    {
        ClusterName = "sj",
        DataDirectory = _folder.Combine("sj"),
    });

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
