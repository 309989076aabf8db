using System.Runtime.InteropServices;

namespace Streams.Storage;

/// <summary>Keeps in memory which lanes have what in which segment: 48 bytes for each lane and segment. Filled by publishing and
/// replay.</summary>
internal sealed class SegmentBook : ISegmentLanes
{
    private readonly List<SegmentLanes> _sealed = [];
    private readonly Dictionary<LaneState, int> _places = [];
    private readonly List<LaneRun> _open = [];
    private long _first = -1;

    /// <summary>What comes from here on stands in the segment that begins there.</summary>
    public void Begin(long segment)
    {
        if (segment == _first)
        {
            return;
        }

        if (_first >= 0)
        {
            _sealed.Add(Open());
        }

        _first = segment;
        _open.Clear();
        _places.Clear();
    }

    /// <summary>An entry of a lane stands in the segment.</summary>
    public void Add(LaneState lane, long entry, long bytes, long appendedAt) => Add(lane, entry, entry + 1, bytes, appendedAt, appendedAt);

    /// <summary>An entry that is damaged further up stands in the segment once more.</summary>
    public void AddRepaired(LaneState lane, long entry, long bytes) =>
        _open.Add(new LaneRun(lane, entry, entry + 1, bytes, long.MaxValue, long.MaxValue) { IsRepaired = true });

    /// <summary>Entries of a lane stand in the segment.</summary>
    public void Add(LaneState lane, long entry, long next, long bytes, long oldestAt, long newestAt)
    {
        if (!_places.TryGetValue(lane, out int place))
        {
            _places.Add(lane, _open.Count);
            _open.Add(new LaneRun(lane, entry, next, bytes, oldestAt, newestAt));
            return;
        }

        ref LaneRun run = ref CollectionsMarshal.AsSpan(_open)[place];
        run = run with
        {
            NextEntry = next,
            Bytes = run.Bytes + bytes,
            OldestAt = Math.Min(run.OldestAt, oldestAt),
            NewestAt = Math.Max(run.NewestAt, newestAt),
        };
    }

    public IReadOnlyList<SegmentLanes> Take() => _first < 0 ? [] : [.. _sealed, Open()];

    public void Forget(long segment) => _sealed.RemoveAll(s => s.First == segment);

    private SegmentLanes Open()
    {
        long oldestEnd = long.MaxValue;
        foreach (LaneRun run in _open)
        {
            oldestEnd = Math.Min(oldestEnd, run.NewestAt);
        }

        return new SegmentLanes(_first, [.. _open], oldestEnd);
    }
}
