using Streams.Core;

namespace Streams.Client;

/// <summary>Where a producer knows events of its own to stand in one partition (rule R5): for each lane the highest such
/// offset.</summary>
/// <remarks>Pure. Bounded: of one cluster's incarnations the latest eight are kept, of all lanes the latest 64 learnt.</remarks>
internal sealed class StandVector
{
    /// <summary>Closed incarnations may still be awaited by slow clusters; more than eight wipes of one cluster in one outbox's life
    /// are left out (rule R5).</summary>
    private const int MaxIncarnations = 8;

    private readonly List<EventPlace> _places = [];   // in the order in which they were learnt, the latest at the end
    private AfterVector? _after;
    private Origin _afterFor;

    /// <summary>The places, the latest learnt last.</summary>
    public IReadOnlyList<EventPlace> Places => _places;

    /// <summary>Takes note of an own event; true when that told something new.</summary>
    public bool Raise(EventPlace place)
    {
        int at = _places.FindIndex(p => p.Origin == place.Origin);
        if (at >= 0)
        {
            if (_places[at].Offset >= place.Offset)
            {
                return false;
            }

            _places[at] = place;
            _after = _afterFor == place.Origin ? _after : null;
            return true;
        }

        _places.Add(place);
        _after = null;
        Prune(place.Origin.Cluster);
        return true;
    }

    /// <summary>What a batch written to the lane of <paramref name="own"/> must name (rules R4, R5).</summary>
    public AfterVector After(Origin own)
    {
        if (_after is null || _afterFor != own)
        {
            _after = AfterVector.Of(_places).Without(own);
            _afterFor = own;
        }

        return _after;
    }

    private void Prune(ClusterName cluster)
    {
        if (_places.Count(p => p.Origin.Cluster == cluster) > MaxIncarnations)
        {
            Origin oldest = _places.Where(p => p.Origin.Cluster == cluster).Min(static p => p.Origin);
            _places.RemoveAll(p => p.Origin == oldest);
        }

        if (_places.Count > AfterVector.MaxLanes)
        {
            _places.RemoveAt(0);
        }
    }
}
