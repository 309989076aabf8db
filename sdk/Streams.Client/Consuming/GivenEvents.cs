using Streams.Core;

namespace Streams.Client;

/// <summary>Events that the application may have now: consecutive ones of one producer's epoch, at consecutive offsets of one
/// lane.</summary>
/// <param name="Origin">Their lane.</param>
/// <param name="Offset">Offset of the first.</param>
/// <param name="First">Identity of the first.</param>
/// <param name="Count">How many.</param>
/// <param name="Batch">The delivery's batch that they are in, or <see langword="null"/> for one event alone.</param>
/// <param name="Index">Which event of <paramref name="Batch"/> is the first; the others follow.</param>
/// <param name="View">Without a batch, the event's content: slices of the delivery.</param>
/// <param name="OrderReleased">Whether an earlier event of their producer was given up for them (R15).</param>
/// <param name="Life">The reader's life that they belong to; a rewind begins a new one and makes acknowledgements of older ones
/// void.</param>
internal readonly record struct GivenEvents(Origin Origin, long Offset, EventIdentity First, int Count, EventBatch? Batch, int Index,
    EventView View, bool OrderReleased, int Life)
{
    /// <summary>Whether they are all of their batch.</summary>
    public bool IsWholeBatch => Batch is not null && Count == Batch.Header.Count;

    /// <summary>The credit that they hold: at least their bytes, at most those of their part of the batch.</summary>
    public int Credit => Batch is null ? View.Bytes : (int)((long)(Batch.Bytes.Length - BatchHeader.Size) * Count / Batch.Header.Count);

    /// <summary>The events, one by one.</summary>
    public IEnumerable<GivenEvent> Each()
    {
        if (Batch is null)
        {
            yield return new GivenEvent(Origin, Offset, First, View, OrderReleased, Life);
            yield break;
        }

        EventWalker walker = new(Batch);
        while (walker.Next < Index + Count && walker.TryNext(out EventView view))
        {
            if (view.Index >= Index)
            {
                int nth = view.Index - Index;
                EventIdentity identity = First with { Sequence = First.Sequence + nth };
                yield return new GivenEvent(Origin, Offset + nth, identity, view, OrderReleased, Life);
            }
        }
    }
}

/// <summary>One of them.</summary>
/// <param name="Origin">Its lane.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="View">Its content: slices of the delivery.</param>
/// <param name="OrderReleased">As in <see cref="GivenEvents"/>.</param>
/// <param name="Life">As in <see cref="GivenEvents"/>.</param>
internal readonly record struct GivenEvent(Origin Origin, long Offset, EventIdentity Identity, EventView View, bool OrderReleased,
    int Life);
