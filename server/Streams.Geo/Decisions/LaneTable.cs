using Streams.Core;

namespace Streams.Geo;

/// <summary>The lanes of a session by number and by id, with what one side keeps of each in a flat array: a lane that is idle costs
/// 32 bytes for its id, 8 for finding it, and <typeparamref name="T"/>.</summary>
internal sealed class LaneTable<T>
    where T : struct
{
    private LaneId[] _lanes = new LaneId[16];
    private T[] _slots = new T[16];
    private int[] _chain = new int[16];
    private int[] _heads = new int[16];

    public int Count { get; private set; }

    public ref T this[int number] => ref _slots[number];

    public LaneId Lane(int number) => _lanes[number];

    /// <summary>The number of a lane, or -1.</summary>
    public int Find(LaneId lane)
    {
        int at = _heads[Bucket(lane)] - 1;
        while (at >= 0 && _lanes[at] != lane)
        {
            at = _chain[at] - 1;
        }

        return at;
    }

    /// <summary>Adds a lane that is not there, and gives its number.</summary>
    public int Add(LaneId lane)
    {
        if (Count == _lanes.Length)
        {
            Grow();
        }

        int number = Count++;
        _lanes[number] = lane;
        Enter(number);
        return number;
    }

    private int Bucket(LaneId lane) => lane.GetHashCode() & (_heads.Length - 1);

    private void Enter(int number)
    {
        int bucket = Bucket(_lanes[number]);
        _chain[number] = _heads[bucket];
        _heads[bucket] = number + 1;
    }

    private void Grow()
    {
        int size = _lanes.Length * 2;
        Array.Resize(ref _lanes, size);
        Array.Resize(ref _slots, size);
        Array.Resize(ref _chain, size);
        _heads = new int[size];
        for (int i = 0; i < Count; i++)
        {
            Enter(i);
        }
    }
}
