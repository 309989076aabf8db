using Streams.Core;

namespace Streams.Storage;

/// <summary>The latest incarnation known of each cluster: all earlier ones of the name are closed (rule R15).</summary>
internal sealed class OriginTable(StateRevision revision)
{
    private readonly Dictionary<ClusterName, (Incarnation Incarnation, long Revision)> _latest = [];

    public Incarnation? Latest(ClusterName cluster) =>
        _latest.TryGetValue(cluster, out (Incarnation Incarnation, long Revision) latest) ? latest.Incarnation : null;

    /// <summary>Takes note of an incarnation; whether it is the latest now.</summary>
    public bool Join(Origin origin)
    {
        if (_latest.TryGetValue(origin.Cluster, out (Incarnation Incarnation, long Revision) known)
            && known.Incarnation >= origin.Incarnation)
        {
            return false;
        }

        _latest[origin.Cluster] = (origin.Incarnation, revision.Next());
        return true;
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<Origin> Since(long since) =>
        _latest.Where(l => l.Value.Revision > since).Select(l => new Origin(l.Key, l.Value.Incarnation));
}
