using Streams.Cluster;

namespace Streams.Simulation;

/// <summary>What etcd does in the world of replicas: compare-and-swap of the configuration, and leases by its own clock.</summary>
internal sealed class ReplicaCatalog(ContainerConfig config)
{
    private readonly Dictionary<NodeName, (long Life, TimeSpan Until)> _leases = [];

    public ContainerConfig Config { get; private set; } = config;

    /// <summary>Whose leases hold.</summary>
    public IReadOnlyList<NodeName> Alive(TimeSpan now) => [.. _leases.Where(l => l.Value.Until > now).Select(static l => l.Key)];

    public bool Swap(ContainerConfig to)
    {
        if (to.Epoch != Config.Epoch + 1)
        {
            return false;
        }

        Config = to;
        return true;
    }

    /// <summary>A lease is granted or kept; another life of the node has to wait until the old one's is over.</summary>
    public bool Keep(NodeName node, long life, TimeSpan now, TimeSpan length)
    {
        if (_leases.TryGetValue(node, out (long Life, TimeSpan Until) held) && held.Until > now && held.Life != life)
        {
            return false;
        }

        _leases[node] = (life, now + length);
        return true;
    }
}
