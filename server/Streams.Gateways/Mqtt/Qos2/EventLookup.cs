using Streams.Core;

namespace Streams.Gateways;

/// <summary>Whether an event can be read here.</summary>
internal enum EventFate
{
    /// <summary>It was read.</summary>
    Found,

    /// <summary>It has not come from its cluster yet.</summary>
    NotHereYet,

    /// <summary>It is not kept any more, or damaged.</summary>
    Gone,
}

/// <summary>Reads single events by their place, for messages that are sent again. Keeps the entry read last: events of one batch are read
/// once. Belongs to the session's delivery loop.</summary>
internal sealed class EventLookup(IEventStore store) : IDisposable
{
    private LaneId _lane;
    private LaneSlice? _slice;
    private LaneEntry? _entry;
    private EventBatch? _batch;

    /// <summary>Reads an event; its view is valid until the next call.</summary>
    public async ValueTask<(EventFate Fate, EventView View)> FindAsync(LaneId lane, Offset offset, CancellationToken cancellationToken)
    {
        if (_entry is null || _lane != lane || offset < _entry.BaseOffset || offset >= _entry.NextOffset)
        {
            if (!IsHere(lane, offset))
            {
                return (EventFate.NotHereYet, default);
            }

            await ReadAsync(lane, offset, cancellationToken).ConfigureAwait(false);
        }

        return _batch is not null && _entry is not null && offset >= _entry.BaseOffset && offset < _entry.NextOffset
            ? (EventFate.Found, View((int)(offset - _entry.BaseOffset))) : (EventFate.Gone, default);
    }

    /// <summary>Lets the entry go.</summary>
    public void Dispose()
    {
        _slice?.Dispose();
        (_slice, _entry, _batch) = (null, null, null);
    }

    private bool IsHere(LaneId lane, Offset offset)
    {
        foreach (LaneStatus status in store.Lanes(lane.Partition))
        {
            if (status.Lane == lane)
            {
                return offset < status.NextOffset;
            }
        }

        return false;
    }

    private async ValueTask ReadAsync(LaneId lane, Offset offset, CancellationToken cancellationToken)
    {
        Dispose();
        try
        {
            _slice = await store.ReadAsync(lane, offset, 1, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidFormatException)
        {
            return;                                      // damaged: the reader says it, and steps over it
        }

        _lane = lane;
        _entry = _slice.Entries.Count > 0 && _slice.Entries[0].Kind == EntryKind.Events ? _slice.Entries[0] : null;
        if (_entry is not null)
        {
            _ = EventBatch.TryParse(_entry.Body, out _batch, out _);
        }
    }

    private EventView View(int index)
    {
        foreach (EventView view in _batch!.Events)
        {
            if (view.Index == index)
            {
                return view;
            }
        }

        throw new InvalidOperationException($"a batch of {_batch.Header.Count} events has none with index {index}");
    }
}
