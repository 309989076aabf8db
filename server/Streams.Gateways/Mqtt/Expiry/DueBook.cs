namespace Streams.Gateways;

/// <summary>What is due when, for a bounded number of keys: the earliest. What is due later than those is not held and must be found again
/// at <see cref="Horizon"/>.</summary>
/// <remarks>Not safe for use by many threads. All that was set, not canceled, and is due before the horizon is held.</remarks>
internal sealed class DueBook(int capacity)
{
    private readonly SortedSet<(TimeSpan Due, string Key)> _order = new(Comparer<(TimeSpan Due, string Key)>.Create(static (a, b) =>
    {
        int byTime = a.Due.CompareTo(b.Due);
        return byTime != 0 ? byTime : string.CompareOrdinal(a.Key, b.Key);
    }));

    private readonly Dictionary<string, TimeSpan> _due = new(StringComparer.Ordinal);

    /// <summary>Keys held.</summary>
    public int Count => _due.Count;

    /// <summary>From when on something may be due that is not held; <see langword="null"/> when everything is.</summary>
    public TimeSpan? Horizon { get; private set; }

    /// <summary>When the next is due.</summary>
    public TimeSpan? Next => _order.Count == 0 ? null : _order.Min.Due;

    /// <summary>Sets when a key is due, instead of what was set before.</summary>
    public void Set(string key, TimeSpan due)
    {
        Cancel(key);
        if (due >= Horizon)
        {
            return;
        }

        _order.Add((due, key));
        _due[key] = due;
        if (_due.Count > capacity)
        {
            (TimeSpan latest, string evicted) = _order.Max;
            Cancel(evicted);
            Horizon = latest;
            CutTo(latest);
        }
    }

    /// <summary>A key is not due any more.</summary>
    public void Cancel(string key)
    {
        if (_due.Remove(key, out TimeSpan due))
        {
            _order.Remove((due, key));
        }
    }

    /// <summary>Takes the next key that is due.</summary>
    public bool TryTake(TimeSpan now, out string key)
    {
        (TimeSpan due, key) = _order.Count == 0 ? (TimeSpan.MaxValue, string.Empty) : _order.Min;
        if (_order.Count == 0 || due > now)
        {
            return false;
        }

        Cancel(key);
        return true;
    }

    /// <summary>All that is not held is about to be found again.</summary>
    public void Reopen() => Horizon = null;

    // What is due at the very horizon is not held either, or the promise would depend on names.
    private void CutTo(TimeSpan horizon)
    {
        while (_order.Count > 0 && _order.Max.Due >= horizon)
        {
            Cancel(_order.Max.Key);
        }
    }
}
