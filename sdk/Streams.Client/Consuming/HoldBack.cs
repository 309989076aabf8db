using Streams.Core;

namespace Streams.Client;

/// <summary>The hold-back buffer of one partition (R19b): bounded in events and bytes, sorted by producer and lane.</summary>
internal sealed class HoldBack(int maxEvents, long maxBytes)
{
    private readonly Dictionary<ProducerId, HeldProducer> _producers = [];

    /// <summary>How many events are held.</summary>
    public int Count { get; private set; }

    /// <summary>What they take.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether another event finds room.</summary>
    public bool HasRoom => Count < maxEvents && Bytes < maxBytes;

    /// <summary>What is held of a producer, or <see langword="null"/>.</summary>
    public HeldProducer? Of(ProducerId producer) => Count == 0 ? null : _producers.GetValueOrDefault(producer);

    /// <summary>Holds an event back; in its lane nothing of its producer is held behind it.</summary>
    public HeldProducer Add(HeldEvent held)
    {
        ProducerId id = held.Identity.Producer;
        if (!_producers.TryGetValue(id, out HeldProducer? producer))
        {
            producer = new HeldProducer(id);
            _producers.Add(id, producer);
        }

        int at = producer.Lanes.FindIndex(l => ReferenceEquals(l.Lane, held.Lane));
        if (at < 0)
        {
            at = producer.Lanes.Count;
            producer.Lanes.Add((held.Lane, new Queue<HeldEvent>()));
        }

        producer.Lanes[at].Events.Enqueue(held);
        Count++;
        Bytes += held.Bytes;
        return producer;
    }

    /// <summary>Takes out the first of what is held of a producer in its lane number <paramref name="at"/>; true when that lane is
    /// empty now.</summary>
    public bool Remove(HeldProducer producer, int at)
    {
        HeldEvent held = producer.Lanes[at].Events.Dequeue();
        Count--;
        Bytes -= held.Bytes;
        if (producer.Lanes[at].Events.Count > 0)
        {
            return false;
        }

        producer.Lanes.RemoveAt(at);
        if (producer.Lanes.Count == 0)
        {
            _producers.Remove(producer.Id);
        }

        return true;
    }

    /// <summary>Drops all: it comes again.</summary>
    public void Clear()
    {
        _producers.Clear();
        Count = 0;
        Bytes = 0;
    }
}
