using Streams.Client;
using Streams.Core;

namespace FieldTrial;

/// <summary>Clusters, each replicating to the next, the last to the first.</summary>
internal sealed class ClusterRing : IAsyncDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    public ClusterRing(IReadOnlyList<string> names, string directory, string? server, Random chance, TimeProvider time)
    {
        int[] ports = FreePorts.Find(names.Count * 3, chance);
        (ClusterName Name, ClusterPorts Ports)[] all = [.. names.Select((name, i) =>
            (ClusterName.Parse(name), new ClusterPorts(ports[3 * i], ports[(3 * i) + 1], ports[(3 * i) + 2])))];
        var program = BuiltProgram.Find("server", "Streams.Server", server, "--server");
        Clusters = [.. all.Select((cluster, i) => new ClusterProcess(cluster.Name, cluster.Ports, all[(i + 1) % all.Length],
            Directory.CreateDirectory(Path.Combine(directory, cluster.Name.Value)).FullName, program, _http, time))];
        Lanes = new LaneApi(_http);
    }

    public IReadOnlyList<ClusterProcess> Clusters { get; }

    public LaneApi Lanes { get; }

    /// <summary>Where devices connect, the preferred cluster first.</summary>
    public IReadOnlyList<ClusterEndpoint> Endpoints =>
        [.. Clusters.Select(cluster => new ClusterEndpoint(cluster.Name, "127.0.0.1", cluster.Ports.Mqtt))];

    public Task StartAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        Task.WhenAll(Clusters.Select(cluster => cluster.StartAsync(limit, cancellationToken)));

    public async ValueTask DisposeAsync()
    {
        foreach (ClusterProcess cluster in Clusters)
        {
            await cluster.DisposeAsync();
        }

        _http.Dispose();
    }
}
