using Streams.Core;

namespace Streams.Gateways;

/// <summary>Gives the events of one batch by their index. A batch can only be walked from its front; so the reader that stops and
/// comes back keeps
/// a window of views, at most <see cref="Size"/> (some 20 KiB), and walks anew only when it leaves it.</summary>
internal sealed class BatchWindow
{
    private const int Size = 256;

    private readonly EventView[] _views = new EventView[Size];
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
        _views.AsSpan(0, _count).Clear();
        _batch = null;
        _count = 0;
    }

    private void Fill(EventBatch batch, int index)
    {
        Clear();
        EventEnumerator events = batch.Events.GetEnumerator();
        while (_count < Size && events.MoveNext())
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
