using Streams.Core;

namespace Streams.Client;

/// <summary>Events that the application may take, and the credit that they hold. Used under the consumer's lock.</summary>
/// <remarks>Bounded by the credit given to the cluster, and by what was held back and became free.</remarks>
internal sealed class ReadyQueue(int receiveBytes)
{
    private readonly Queue<(GivenEvents Events, ConsumerPartition Partition, int Credit)> _ready = new();
    private (GivenEvents Events, ConsumerPartition Partition, int Credit) _head;   // being taken event by event
    private EventWalker _walker;
    private int _taken;
    private long _owed;

    /// <summary>Bytes of credit that waiting events hold.</summary>
    public long Held { get; private set; }

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _ready.Count == 0 && _head.Partition is null;

    /// <summary>Adds events that hold so much credit.</summary>
    public void Add(in GivenEvents events, ConsumerPartition partition, int credit)
    {
        _ready.Enqueue((events, partition, credit));
        Held += credit;
    }

    /// <summary>The next event; those of before a rewind are passed over.</summary>
    public ReceivedEvent? Take()
    {
        if (!TryBegin())
        {
            return null;
        }

        EventView view = _head.Events.View;
        int nth = _taken++;
        if (_head.Events.Batch is not null)
        {
            while (_walker.TryNext(out view) && view.Index < _head.Events.Index)
            {
            }
        }

        ReceivedEvent received = _head.Partition.Content.Of(_head.Events, nth, view);
        bool isLast = _taken == _head.Events.Count;
        int credit = isLast ? _head.Credit : Math.Min(_head.Credit, view.Bytes);
        _head.Credit -= credit;
        Release(credit);
        if (isLast)
        {
            _head = default;
        }

        return received;
    }

    /// <summary>All that is left of the next events that belong together.</summary>
    public ReceivedBatch? TakeBatch()
    {
        if (!TryBegin())
        {
            return null;
        }

        GivenEvents events = _head.Events;
        if (_taken > 0)
        {
            events = events with
            {
                Offset = events.Offset + _taken,
                First = events.First with { Sequence = events.First.Sequence + _taken },
                Count = events.Count - _taken,
                Index = events.Index + _taken,
            };
        }

        ReceivedBatch batch = new(_head.Partition.Content, events);
        Release(_head.Credit);
        _head = default;
        return batch;
    }

    /// <summary>Drops what is of before a rewind, and gives its credit back.</summary>
    public void DropStale()
    {
        if (_head.Partition is not null && !IsCurrent(_head))
        {
            Release(_head.Credit);
            _head = default;
        }

        for (int i = _ready.Count; i > 0; i--)
        {
            (GivenEvents Events, ConsumerPartition Partition, int Credit) next = _ready.Dequeue();
            if (IsCurrent(next))
            {
                _ready.Enqueue(next);
            }
            else
            {
                Release(next.Credit);
            }
        }
    }

    /// <summary>Takes those out of the spans that still wait here: the application was not handed them.</summary>
    public void Except(ConsumerPartition partition, Origin origin, List<SequenceSpan> spans)
    {
        if (_head.Partition is not null)
        {
            Except(_head, _taken, partition, origin, spans);
        }

        foreach ((GivenEvents Events, ConsumerPartition Partition, int Credit) waiting in _ready)
        {
            Except(waiting, 0, partition, origin, spans);
        }
    }

    private static void Except(in (GivenEvents Events, ConsumerPartition Partition, int Credit) waiting, int taken,
        ConsumerPartition partition, Origin origin, List<SequenceSpan> spans)
    {
        if (!ReferenceEquals(waiting.Partition, partition) || waiting.Events.Origin != origin || !IsCurrent(waiting))
        {
            return;
        }

        EventIdentity identity = waiting.Events.First;
        ProducerEpoch key = new(identity.Producer, identity.Epoch);
        long first = identity.Sequence + taken;
        long last = identity.Sequence + waiting.Events.Count - 1;
        for (int i = spans.Count - 1; i >= 0; i--)
        {
            SequenceSpan span = spans[i];
            if (span.Key != key || span.Last < first || span.First > last)
            {
                continue;
            }

            spans.RemoveAt(i);
            if (span.First < first)
            {
                spans.Add(span with { Last = first - 1 });
            }

            if (span.Last > last)
            {
                spans.Add(span with { First = last + 1 });
            }
        }
    }

    /// <summary>The cluster may send so much more.</summary>
    public void Owe(long bytes) => _owed += bytes;

    /// <summary>A session begins: what it may be given at once.</summary>
    public uint BeginCredit()
    {
        _owed = 0;
        return (uint)Math.Max(0, receiveBytes - Held);
    }

    /// <summary>What to grant now, or 0: a quarter of all at once, or all that is owed when nothing waits.</summary>
    public uint TakeGrant()
    {
        if (_owed == 0 || (_owed < receiveBytes / 4 && !IsEmpty))
        {
            return 0;
        }

        uint grant = (uint)Math.Min(_owed, uint.MaxValue);
        _owed -= grant;
        return grant;
    }

    private bool TryBegin()
    {
        if (_head.Partition is not null && IsCurrent(_head))
        {
            return true;
        }

        Release(_head.Credit);
        _head = default;
        while (_ready.TryDequeue(out (GivenEvents Events, ConsumerPartition Partition, int Credit) next))
        {
            if (IsCurrent(next))
            {
                _head = next;
                _walker = next.Events.Batch is { } batch ? new EventWalker(batch) : default;
                _taken = 0;
                return true;
            }

            Release(next.Credit);
        }

        return false;
    }

    private static bool IsCurrent(in (GivenEvents Events, ConsumerPartition Partition, int Credit) entry) =>
        entry.Events.Life == entry.Partition.Reader.Life;

    private void Release(int credit)
    {
        Held -= credit;
        _owed += credit;
    }
}
