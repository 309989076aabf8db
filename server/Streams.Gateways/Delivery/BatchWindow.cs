using System.Buffers;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Gives the events of one batch by their index. A batch can only be walked from its front; so the reader that stops and
/// comes back keeps a window of views, at most <see cref="Size"/> (some 20 KiB), and walks anew only when it leaves it. The window's
/// memory is lent while there is a batch: a session has a reader for each partition, and most of them have nothing to give.</summary>
internal sealed class BatchWindow
{
    private const int Size = 256;

    private EventView[] _views = [];
    private EventBatch? _batch;
    private int _first;
    private int _count;

    /// <summary>The event at <paramref name="index"/>, which must be below the batch's count.</summary>
    public ref readonly EventView this[EventBatch batch, int index]
    {
        get
        {
            if (!ReferenceEquals(batch, _batch) || index < _first || index >= _first + _count)
            {
                Fill(batch, index);
            }

            return ref _views[index - _first];
        }
    }

    /// <summary>Forgets the batch, whose memory may go now.</summary>
    public void Clear()
    {
        if (_views.Length > 0)
        {
            _views.AsSpan(0, _count).Clear();
            ArrayPool<EventView>.Shared.Return(_views);
            _views = [];
        }

        _batch = null;
        _count = 0;
    }

    private void Fill(EventBatch batch, int index)
    {
        Clear();
        int size = Math.Min(Size, batch.Header.Count - index);
        _views = ArrayPool<EventView>.Shared.Rent(size);
        EventEnumerator events = batch.Events.GetEnumerator();
        while (_count < size && events.MoveNext())
        {
            if (events.Current.Index >= index)
            {
                _views[_count++] = events.Current;
            }
        }

        _batch = batch;
        _first = index;
    }
}
