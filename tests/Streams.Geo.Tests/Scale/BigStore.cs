using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>The heads of very many lanes, which grow when told to.</summary>
internal sealed class BigStore : ILaneHeads
{
    private readonly Dictionary<LaneId, int> _at = [];
    private readonly LaneStatus[] _lanes;

    public BigStore(string name, int streams, int origins, int partitions)
    {
        Origin = new Origin(ClusterName.Parse(name), new Incarnation(1));
        _lanes = new LaneStatus[streams * origins * partitions];
        var paths = Enumerable.Range(0, streams).Select(s => StreamPath.Parse($"/plants/essen/line-{s}")).ToArray();
        for (var i = 0; i < _lanes.Length; i++)
        {
            var n = i % origins;
            var origin = new Origin(ClusterName.Parse($"cluster-{n}"), new Incarnation(0x0192f3ab4c5d6e7f + (ulong)n));
            var path = paths[i / (origins * partitions)];
            var lane = new LaneId(new StreamPartition(path, new(i / origins % partitions)), origin);
            _at.Add(lane, i);
            _lanes[i] = new LaneStatus(lane, default, new(1000 + i), default, new(2000 + (3 * i)), 1 << 20);
        }
    }

    public Origin Origin { get; }

    public IReadOnlyList<LaneStatus> Lanes() => _lanes;

    public LaneStatus? Lane(LaneId lane) => _at.TryGetValue(lane, out var at) ? _lanes[at] : null;

    public IReadOnlyList<DamagedRange> Damaged() => [];

    public Incarnation? LatestIncarnation(ClusterName cluster) => null;

    public void Grow(int number) => _lanes[number] = _lanes[number] with
    {
        NextEntry = _lanes[number].NextEntry + 1, NextOffset = new(_lanes[number].NextOffset.Value + 1),
    };
}
