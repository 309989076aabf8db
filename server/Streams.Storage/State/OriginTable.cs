using Streams.Core;

namespace Streams.Storage;

/// <summary>The latest incarnation known of each cluster: all earlier ones of the name are closed (rule R15).</summary>
internal sealed class OriginTable
{
    private readonly Dictionary<ClusterName, Incarnation> _latest = [];

    public Incarnation? Latest(ClusterName cluster) => _latest.TryGetValue(cluster, out Incarnation latest) ? latest : null;

    /// <summary>Takes note of an incarnation; whether it is the latest now.</summary>
    public bool Join(Origin origin)
    {
        if (_latest.TryGetValue(origin.Cluster, out Incarnation known) && known >= origin.Incarnation)
        {
            return false;
        }

        _latest[origin.Cluster] = origin.Incarnation;
        return true;
    }

    public IEnumerable<Origin> All() => _latest.Select(l => new Origin(l.Key, l.Value));
}
