using Streams.Core;

namespace Streams.Geo;

/// <summary>The numbers that stand for stream paths and origins in the lists of a link's sender: in a list of lanes both come again and
/// again. Numbered in the order of first use, so both sides count alike.</summary>
/// <remarks>An origin is known by the first lane that has it: 12 bytes each, for there may be as many as lanes.</remarks>
internal sealed class ListBook(LaneTable<SentLane> lanes)
{
    private readonly Dictionary<StreamPath, int> _streams = [];
    private int[] _firstLanes = new int[16];
    private int[] _chain = new int[16];
    private int[] _heads = new int[16];
    private int _origins;

    public void Clear()
    {
        _streams.Clear();
        Array.Clear(_heads);
        _origins = 0;
    }

    /// <summary>A lane of the table as it is listed; names not used before are added to the lists that go out with it.</summary>
    public ListedLane List(int lane, EntryNumber next, Offset nextOffset, List<StreamPath> streams, List<Origin> origins)
    {
        LaneId id = lanes.Lane(lane);
        if (!_streams.TryGetValue(id.Partition.Stream, out int stream))
        {
            _streams.Add(id.Partition.Stream, stream = _streams.Count);
            streams.Add(id.Partition.Stream);
        }

        if (Number(lane, out int origin))
        {
            origins.Add(id.Origin);
        }

        return new ListedLane(stream, id.Partition.Partition, origin, next, nextOffset);
    }

    /// <summary>Takes a lane of the table as listed before; for taking up a list where the other side is.</summary>
    public void Note(int lane)
    {
        _streams.TryAdd(lanes.Lane(lane).Partition.Stream, _streams.Count);
        Number(lane, out _);
    }

    /// <summary>The number of a lane's origin; whether it is new.</summary>
    private bool Number(int lane, out int number)
    {
        Origin origin = lanes.Lane(lane).Origin;
        number = _heads[Bucket(origin)] - 1;
        while (number >= 0 && lanes.Lane(_firstLanes[number]).Origin != origin)
        {
            number = _chain[number] - 1;
        }

        if (number >= 0)
        {
            return false;
        }

        if (_origins == _firstLanes.Length)
        {
            Grow();
        }

        number = _origins++;
        _firstLanes[number] = lane;
        Enter(number);
        return true;
    }

    private int Bucket(Origin origin) => origin.GetHashCode() & (_heads.Length - 1);

    private void Enter(int number)
    {
        int bucket = Bucket(lanes.Lane(_firstLanes[number]).Origin);
        _chain[number] = _heads[bucket];
        _heads[bucket] = number + 1;
    }

    private void Grow()
    {
        int size = _firstLanes.Length * 2;
        Array.Resize(ref _firstLanes, size);
        Array.Resize(ref _chain, size);
        _heads = new int[size];
        for (int i = 0; i < _origins; i++)
        {
            Enter(i);
        }
    }
}
