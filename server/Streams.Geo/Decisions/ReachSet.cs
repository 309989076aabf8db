using Streams.Core;

namespace Streams.Geo;

/// <summary>The clusters that reach this one, itself first. Safe for use by many threads.</summary>
internal sealed class ReachSet : IReachable
{
    private readonly Lock _gate = new();
    private readonly List<ClusterName> _order = [];
    private readonly HashSet<ClusterName> _known = [];

    public ReachSet(IEnumerable<ClusterName> names) => Add(names);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _order.Count;
            }
        }
    }

    public IReadOnlyList<ClusterName> From(int first, int max)
    {
        lock (_gate)
        {
            return _order.GetRange(first, Math.Min(max, _order.Count - first));
        }
    }

    public bool Contains(ClusterName name)
    {
        lock (_gate)
        {
            return _known.Contains(name);
        }
    }

    /// <summary>Adds names; whether any was new. Beyond the limit none is: what is not known counts as not reaching.</summary>
    public bool Add(IEnumerable<ClusterName> names)
    {
        bool grew = false;
        lock (_gate)
        {
            foreach (ClusterName name in names)
            {
                if (_order.Count < LinkLimits.MaxReach && _known.Add(name))
                {
                    _order.Add(name);
                    grew = true;
                }
            }
        }

        return grew;
    }
}
