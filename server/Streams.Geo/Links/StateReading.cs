using Streams.Core;

namespace Streams.Geo;

/// <summary>Reads the joined state piece by piece, as the link has credit for it.</summary>
internal sealed class StateReading(ILaneStore store) : IDisposable
{
    private IEnumerator<StateItem>? _items;

    /// <summary>The next items, and whether they are the last.</summary>
    public (IReadOnlyList<StateItem> Items, bool Last) Take(ReadState request)
    {
        if (request.Restart)
        {
            Dispose();
            _items = store.State().GetEnumerator();
        }

        List<StateItem> items = [];
        int bytes = 0;
        while (items.Count < LinkLimits.ItemsPerFrame && bytes < request.MaxBytes)
        {
            if (_items is null || !_items.MoveNext())
            {
                Dispose();
                return (items, true);
            }

            items.Add(_items.Current);
            bytes += LinkLimits.CostOf(_items.Current);
        }

        return (items, false);
    }

    public void Dispose()
    {
        _items?.Dispose();
        _items = null;
    }
}
