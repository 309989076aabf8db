using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>Clusters in this process that speak the SDK's protocol through the client's port.</summary>
internal sealed class ScriptedWorld : IClusterConnector
{
    private readonly Dictionary<ClusterName, ScriptedCluster> _clusters = [];

    public ScriptedWorld(params string[] names)
    {
        foreach (string name in names)
        {
            _clusters.Add(ClusterName.Parse(name), new ScriptedCluster(name));
        }
    }

    public ScriptedCluster this[string name] => _clusters[ClusterName.Parse(name)];

    public IReadOnlyList<ClusterEndpoint> Endpoints => [.. _clusters.Keys.Select(static (name, i) =>
        new ClusterEndpoint(name, "nowhere", 1883 + i))];

    public ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
        CancellationToken cancellationToken) =>
        ValueTask.FromResult<IClusterConnection>(_clusters[endpoint.Name].Connect(clientId, incoming));

    /// <summary>Copies every lane of one cluster to another, as far as it goes.</summary>
    public void Link(string from, string to) => this[from].CopyTo(this[to]);
}
