using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Client;

/// <summary>A place in a lane that a reader knows.</summary>
internal readonly record struct EventSpot(LaneState Lane, long Offset);

/// <summary>Events handed out and not acknowledged: where each stands, and where copies of it were met meanwhile.</summary>
internal sealed class Outstanding
{
    private readonly Dictionary<EventIdentity, (EventSpot Spot, List<EventSpot>? Copies)> _events = [];

    /// <summary>How many.</summary>
    public int Count => _events.Count;

    /// <summary>An event is handed out.</summary>
    public void Add(in EventIdentity identity, EventSpot spot) => _events.Add(identity, (spot, null));

    /// <summary>A copy was met (or the same again after a reconnect): true, and its place is let go together with the event, when that
    /// is handed out.</summary>
    public bool TryTie(in EventIdentity identity, EventSpot copy)
    {
        if (_events.Count == 0)
        {
            return false;
        }

        ref (EventSpot Spot, List<EventSpot>? Copies) found = ref CollectionsMarshal.GetValueRefOrNullRef(_events, identity);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref found))
        {
            return false;
        }

        if (found.Spot != copy && (found.Copies is null || !found.Copies.Contains(copy)))
        {
            (found.Copies ??= []).Add(copy);
        }

        return true;
    }

    /// <summary>An event is acknowledged.</summary>
    public bool TryRemove(in EventIdentity identity, out EventSpot spot, out List<EventSpot>? copies)
    {
        bool found = _events.Remove(identity, out (EventSpot Spot, List<EventSpot>? Copies) entry);
        (spot, copies) = entry;
        return found;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => _events.Clear();

    /// <summary>A session begins: what is handed out holds its lanes back as before.</summary>
    public void Reopen()
    {
        foreach ((EventSpot spot, List<EventSpot>? copies) in _events.Values)
        {
            spot.Lane.Open.Add(spot.Offset);
            foreach (EventSpot copy in copies ?? [])
            {
                copy.Lane.Open.Add(copy.Offset);
            }
        }
    }
}
