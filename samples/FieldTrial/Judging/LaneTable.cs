using Streams.Core;

namespace FieldTrial;

/// <summary>Gives each lane a small number, so that a place costs twelve bytes. Safe for many threads.</summary>
internal sealed class LaneTable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<LaneId, int> _numbers = [];
    private readonly List<LaneId> _lanes = [];

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _lanes.Count;
            }
        }
    }

    public LaneId this[int number]
    {
        get
        {
            lock (_gate)
            {
                return _lanes[number];
            }
        }
    }

    public int Number(StreamPath stream, PartitionId partition, Origin origin)
    {
        LaneId lane = new(new StreamPartition(stream, partition), origin);
        lock (_gate)
        {
            if (!_numbers.TryGetValue(lane, out int number))
            {
                number = _lanes.Count;
                _lanes.Add(lane);
                _numbers.Add(lane, number);
            }

            return number;
        }
    }

    public Place Place(StreamPath stream, PartitionId partition, EventPlace place) =>
        new(Number(stream, partition, place.Origin), place.Offset.Value);

    /// <summary>A place for people.</summary>
    public string Text(Place place)
    {
        LaneId lane = this[place.Lane];
        return $"{lane.Partition} {lane.Origin}:{place.Offset}";
    }
}

/// <summary>An offset in a lane of a <see cref="LaneTable"/>.</summary>
internal readonly record struct Place(int Lane, long Offset);
