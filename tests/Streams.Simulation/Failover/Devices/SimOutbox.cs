using Streams.Core;

namespace Streams.Simulation;

/// <summary>An event that waits in an outbox.</summary>
internal readonly record struct WaitingEvent(ulong Epoch, long Sequence, int Uid);

/// <summary>What a device has on its disk: the events that wait, the next sequences, and where its events stand. As the product's SQLite
/// file: changed in whole transactions, lost and rolled back as one.</summary>
internal sealed class SimOutbox
{
    private readonly SortedDictionary<int, List<WaitingEvent>> _waiting = [];
    private readonly SortedDictionary<int, long> _next = [];
    private readonly SortedDictionary<int, EventPlace[]> _stand = [];

    /// <summary>How many partitions the stream has, as far as the device knows.</summary>
    public int Partitions { get; set; } = 1;

    /// <summary>The partitions that had events.</summary>
    public IEnumerable<int> Used => _next.Keys;

    public int Count => _waiting.Values.Sum(static w => w.Count);

    public long NextOf(int partition) => _next.GetValueOrDefault(partition, 1);

    public IReadOnlyList<WaitingEvent> Waiting(int partition) => _waiting.TryGetValue(partition, out List<WaitingEvent>? waiting) ? waiting
        : [];

    public IReadOnlyList<EventPlace> Stand(int partition) => _stand.GetValueOrDefault(partition, []);

    public void Append(int partition, WaitingEvent waiting)
    {
        if (!_waiting.TryGetValue(partition, out List<WaitingEvent>? all))
        {
            _waiting[partition] = all = [];
        }

        all.Add(waiting);
        _next[partition] = waiting.Sequence + 1;
    }

    public void Remove(int partition, long first, long last) =>
        _waiting.GetValueOrDefault(partition)?.RemoveAll(w => w.Sequence >= first && w.Sequence <= last);

    public void KeepStand(int partition, EventPlace[] places) => _stand[partition] = places;

    public WaitingEvent Find(int partition, long sequence) => Waiting(partition).First(w => w.Sequence == sequence);

    public SimOutbox Copy()
    {
        SimOutbox copy = new() { Partitions = Partitions };
        foreach ((int partition, List<WaitingEvent> waiting) in _waiting)
        {
            copy._waiting[partition] = [.. waiting];
        }

        foreach ((int partition, long next) in _next)
        {
            copy._next[partition] = next;
        }

        foreach ((int partition, EventPlace[] places) in _stand)
        {
            copy._stand[partition] = places;
        }

        return copy;
    }
}
