using Streams.Core;

namespace Streams.Geo;

/// <summary>Reads the joined state piece by piece, as the link has credit for it.</summary>
internal sealed class StateReading(ILaneStore store) : IDisposable
{
    private IEnumerator<StateItem>? _items;
    private long _revision;

    /// <summary>The next items, whether they are the last, and up to which revision they go.</summary>
    public (IReadOnlyList<StateItem> Items, bool Last, long Revision) Take(ReadState request)
    {
        if (request.Restart)
        {
            Dispose();
            _items = store.State(request.Since, out _revision).GetEnumerator();
        }

        List<StateItem> items = [];
        int bytes = 0;
        while (items.Count < LinkLimits.ItemsPerFrame && bytes < request.MaxBytes)
        {
            if (_items is null || !_items.MoveNext())
            {
                Dispose();
                return (items, true, _revision);
            }

            items.Add(_items.Current);
            bytes += LinkLimits.CostOf(_items.Current);
        }

        return (items, false, _revision);
    }

    public void Dispose()
    {
        _items?.Dispose();
        _items = null;
    }
}
