using Streams.Core;

namespace Streams.Storage;

/// <summary>The lanes of a container, by id, by the number that stands for them in the log, and by partition.</summary>
internal sealed class LaneTable
{
    private readonly Dictionary<LaneId, LaneState> _byId = [];
    private readonly Dictionary<StreamPartition, List<LaneState>> _byPartition = [];
    private readonly Dictionary<int, LaneState> _byNumber = [];

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
