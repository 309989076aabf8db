using Streams.Client;
using Streams.Core;

namespace FleetFailover;

/// <summary>San Jose, New York and London, each replicating to the next: sj to ny to ldn to sj.</summary>
internal sealed class ClusterRing : IAsyncDisposable
{
    public static readonly IReadOnlyList<string> Names = ["sj", "ny", "ldn"];

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    public ClusterRing(string directory, string? server, Random chance, TimeProvider time)
    {
        int[] ports = FreePorts.Find(Names.Count * 3, chance);
        (ClusterName Name, ClusterPorts Ports)[] all = [.. Names.Select((name, i) =>
            (ClusterName.Parse(name), new ClusterPorts(ports[3 * i], ports[(3 * i) + 1], ports[(3 * i) + 2])))];
        var program = ServerProgram.Find(server);
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
