namespace FieldTrial;

/// <summary>Where the events of one device stand, by running number; twelve bytes each.</summary>
internal sealed class PlaceList
{
    private int[] _lanes = [];
    private long[] _offsets = [];

    /// <summary>One behind the highest number that has a place.</summary>
    public int End { get; private set; }

    public Place? this[int number] => number < End && _lanes[number] > 0 ? new Place(_lanes[number] - 1, _offsets[number]) : null;

    public void Set(int number, Place place)
    {
        if (number >= _lanes.Length)
        {
            int size = Math.Max(number + 1, _lanes.Length * 2);
            Array.Resize(ref _lanes, size);
            Array.Resize(ref _offsets, size);
        }

        _lanes[number] = place.Lane + 1;
        _offsets[number] = place.Offset;
        End = Math.Max(End, number + 1);
    }
}
