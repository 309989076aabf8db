using Streams.Core;

namespace Streams.Storage;

/// <summary>The lanes of a container, by id, by the number that stands for them in the log, by partition, and in the
/// order in which they grew.</summary>
internal sealed class LaneTable
{
    private readonly Dictionary<LaneId, LaneState> _byId = [];
    private readonly Dictionary<StreamPartition, List<LaneState>> _byPartition = [];
    private readonly Dictionary<int, LaneState> _byNumber = [];
    private LaneState? _newest;
    private long _growths;

    public int Count => _byId.Count;

    /// <summary>A number not yet given to any lane.</summary>
    public int NextNumber { get; private set; } = 1;

    public IEnumerable<LaneState> All => _byId.Values;

    public LaneState? Find(LaneId lane) => _byId.GetValueOrDefault(lane);

    public LaneState? Find(int number) => _byNumber.GetValueOrDefault(number);

    public IReadOnlyList<LaneState> Of(StreamPartition partition) =>
        _byPartition.TryGetValue(partition, out List<LaneState>? lanes) ? lanes : [];

    public void Add(LaneState lane)
    {
        _byId.Add(lane.Id, lane);
        _byNumber[lane.Number] = lane;
        NextNumber = Math.Max(NextNumber, lane.Number + 1);
        if (!_byPartition.TryGetValue(lane.Id.Partition, out List<LaneState>? lanes))
        {
            _byPartition[lane.Id.Partition] = lanes = new List<LaneState>(1);
        }

        lanes.Add(lane);
    }

    /// <summary>The lane became longer: it is the one that grew last.</summary>
    public void Grew(LaneState lane)
    {
        lane.GrewAt = ++_growths;
        if (lane == _newest)
        {
            return;
        }

        if (lane.Newer is { } newer)
        {
            newer.Older = lane.Older;
            lane.Older?.Newer = newer;
            lane.Newer = null;
        }

        lane.Older = _newest;
        _newest?.Newer = lane;
        _newest = lane;
    }

    /// <summary>Adds the lanes that grew behind the mark, the last one first; gives the mark of now. Costs no look at any other
    /// lane.</summary>
    public long Grown(long mark, List<LaneStatus> into)
    {
        for (LaneState? lane = _newest; lane is not null && lane.GrewAt > mark; lane = lane.Older)
        {
            into.Add(lane.Status);
        }

        return _growths;
    }

    /// <summary>The lane that a declaration in the log names.</summary>
    public LaneState Declare(int number, LaneId id)
    {
        if (_byId.TryGetValue(id, out LaneState? lane))
        {
            _byNumber[number] = lane;
            return lane;
        }

        lane = new LaneState(id, number);
        Add(lane);
        return lane;
    }
}
