using Streams.Core;

namespace Streams.Client;

/// <summary>Consecutive events of one producer in one lane, as they came: the fast way to take many. Acknowledge it, or the first of
/// them, when they are done with: only then does the cursor move behind them.</summary>
public sealed class ReceivedBatch
{
    private readonly EventContent _content;
    private readonly GivenEvents _events;

    internal ReceivedBatch(EventContent content, GivenEvents events) => (_content, _events) = (content, events);

    /// <summary>The stream.</summary>
    public StreamPath Stream => _content.Stream;

    /// <summary>The partition.</summary>
    public PartitionId Partition => _content.Partition;

    /// <summary>The lane, and the offset of the first event in it; the others follow without a hole.</summary>
    public EventPlace Place => new(_events.Origin, new Offset(_events.Offset));

    /// <summary>Producer, epoch and sequence of the first event; the others follow without a hole.</summary>
    public EventIdentity Identity => _events.First;

    /// <summary>How many events, at least 1.</summary>
    public int Count => _events.Count;

    /// <summary>As in <see cref="ReceivedEvent.OrderReleased"/>, of all of them.</summary>
    public bool OrderReleased => _events.OrderReleased;

    /// <summary>The events, in order, without copying or allocating: slices of what came, good as long as anything holds them.
    /// <see cref="EventView.Index"/> is the place in the producer's batch, not here.</summary>
    public Enumerator GetEnumerator() => new(_events);

    /// <summary>Marks all as done with. Repeated calls do nothing.</summary>
    public void Acknowledge() => _content.Acknowledge(_events.First, _events.Count, _events.Life);

    /// <summary>Marks the first <paramref name="count"/> events as done with.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public void Acknowledge(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _events.Count);
        _content.Acknowledge(_events.First, count, _events.Life);
    }

    /// <summary>Marks all, and all that were handed out of their lane before them, as done with:
    /// <see cref="ReceivedEvent.AcknowledgeUpTo"/>.</summary>
    public void AcknowledgeUpTo() =>
        _content.AcknowledgeUpTo(new EventPlace(_events.Origin, new Offset(_events.Offset + _events.Count - 1)), _events.Life);

    /// <summary>Walks the events of a batch.</summary>
    public struct Enumerator
    {
        private readonly GivenEvents _events;
        private EventWalker _walker;
        private EventView _current;
        private int _given;

        internal Enumerator(in GivenEvents events)
        {
            _events = events;
            _walker = events.Batch is { } batch ? new EventWalker(batch) : default;
        }

        /// <summary>The event that the last <see cref="MoveNext"/> reached.</summary>
        public readonly EventView Current => _current;

        /// <summary>Goes to the next event; false at the end.</summary>
        public bool MoveNext()
        {
            if (_given == _events.Count)
            {
                return false;
            }

            _given++;
            _current = _events.View;
            if (_events.Batch is not null)
            {
                while (_walker.TryNext(out _current) && _current.Index < _events.Index)
                {
                }
            }

            return true;
        }
    }
}
