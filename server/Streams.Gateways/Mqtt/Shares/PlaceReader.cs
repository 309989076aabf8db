using Streams.Core;

namespace Streams.Gateways;

/// <summary>Reads single events at their places, again: one stored batch is in memory until <see cref="Dispose"/>, so that neighbours cost
/// one reading.</summary>
internal sealed class PlaceReader(IEventStore store) : IDisposable
{
    private LaneSlice? _slice;
    private LaneId _lane;
    private Offset _base;
    private EventBatch? _batch;

    /// <summary>The event; <see langword="null"/> when it is not here any more, or damaged. Its bytes are valid until the next
    /// call.</summary>
    public async ValueTask<EventView?> FindAsync(LaneId lane, Offset offset, CancellationToken cancellationToken)
    {
        if (_batch is null || _lane != lane || offset < _base || offset >= _base + _batch.Header.Count)
        {
            Dispose();
            _slice = await store.ReadAsync(lane, offset, 1, cancellationToken).ConfigureAwait(false);
            foreach (LaneEntry entry in _slice.Entries)
            {
                if (entry.Kind == EntryKind.Events && entry.BaseOffset <= offset && offset < entry.NextOffset
                    && EventBatch.TryParse(entry.Body, out EventBatch? batch, out _) && batch!.Header.Count == entry.EventCount)
                {
                    (_lane, _base, _batch) = (lane, entry.BaseOffset, batch);
                    break;
                }
            }
        }

        if (_batch is null)
        {
            Dispose();
            return null;
        }

        foreach (EventView view in _batch.Events)
        {
            if (_base + view.Index == offset)
            {
                return view;
            }
        }

        return null;
    }

    /// <summary>Lets the memory go.</summary>
    public void Dispose()
    {
        _batch = null;
        _slice?.Dispose();
        _slice = null;
    }
}
