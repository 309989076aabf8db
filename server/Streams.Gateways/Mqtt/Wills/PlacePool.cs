namespace Streams.Gateways;

/// <summary>Numbered places, of which the lowest free one is taken: there are never more than were in use at once.</summary>
/// <remarks>Not safe for use by many threads.</remarks>
internal sealed class PlacePool
{
    private readonly SortedSet<int> _free = [];
    private int _next;

    /// <summary>Takes the lowest place that is free.</summary>
    public int Take()
    {
        if (_free.Count == 0)
        {
            return _next++;
        }

        int lowest = _free.Min;
        _free.Remove(lowest);
        return lowest;
    }

    /// <summary>Whether a place was taken and not given back.</summary>
    public bool IsTaken(int place) => place < _next && !_free.Contains(place);

    /// <summary>Gives back a place that is taken.</summary>
    public void Free(int place) => _free.Add(place);
}
