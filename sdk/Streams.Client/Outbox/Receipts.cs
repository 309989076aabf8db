using Streams.Core;

namespace Streams.Client;

/// <summary>The promises made to those who published in this process: completed when a cluster holds the event. Safe for use by many
/// threads.</summary>
internal sealed class Receipts
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StreamPartition, Dictionary<long, PendingPublish>> _pending = [];
    private readonly Dictionary<(StreamPartition Partition, long Number), PendingPublish> _staged = [];
    private bool _closed;

    /// <summary>An event is stored on the device and waits for a cluster.</summary>
    public void Add(PendingPublish pending)
    {
        lock (_lock)
        {
            if (_closed)
            {
                pending.TrySetCanceled();
                return;
            }

            if (pending.StageNumber > 0)
            {
                _staged.Add((pending.Partition, pending.StageNumber), pending);
            }
            else
            {
                Expect(pending);
            }
        }
    }

    /// <summary>Staged events got their sequences, or were dropped.</summary>
    public void Change(IReadOnlyList<StageChange> changes, EventIdentity identity)
    {
        lock (_lock)
        {
            for (int i = 0; i < changes.Count && _staged.Count > 0; i++)
            {
                if (!_staged.Remove((changes[i].Partition, changes[i].Number), out PendingPublish? pending))
                {
                    continue;                            // of a former life
                }

                if (changes[i].Outcome == PublishOutcome.Waiting)
                {
                    pending.Number(identity with { Sequence = changes[i].Sequence });
                    Expect(pending);
                }
                else
                {
                    pending.Drop(changes[i].Outcome);
                }
            }
        }
    }

    /// <summary>A cluster holds these.</summary>
    public void Complete(in ConfirmedRun run)
    {
        PlacedRun placed = run.Placed;
        StreamPartition partition = run.Partition;
        Take(partition, placed.First, placed.Last, pending => pending.TrySetResult(new StoredEvent(
            partition.Stream, partition.Partition, new EventPlace(placed.Origin, placed.FirstOffset + (pending.Sequence - placed.First)))
        {
            Identity = pending.Identity,
        }));
    }

    /// <summary>These were refused for good.</summary>
    public void Fail(StreamPartition partition, long first, long last, Exception why) =>
        Take(partition, first, last, pending => pending.TrySetException(why));

    /// <summary>The client is closed: nobody will be told any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (PendingPublish pending in _pending.Values.SelectMany(static p => p.Values).Concat(_staged.Values))
            {
                pending.TrySetCanceled();
            }

            _pending.Clear();
            _staged.Clear();
        }
    }

    private void Expect(PendingPublish pending)
    {
        if (!_pending.TryGetValue(pending.Partition, out Dictionary<long, PendingPublish>? partition))
        {
            _pending.Add(pending.Partition, partition = []);
        }

        partition.Add(pending.Sequence, pending);
    }

    private void Take(StreamPartition id, long first, long last, Action<PendingPublish> tell)
    {
        lock (_lock)
        {
            if (!_pending.TryGetValue(id, out Dictionary<long, PendingPublish>? partition))
            {
                return;
            }

            if (last - first >= partition.Count)         // a long backlog of former lives, few promises of this one
            {
                foreach ((long sequence, PendingPublish pending) in partition.Where(p => p.Key >= first && p.Key <= last).ToArray())
                {
                    partition.Remove(sequence);
                    tell(pending);
                }

                return;
            }

            for (long sequence = first; sequence <= last; sequence++)
            {
                if (partition.Remove(sequence, out PendingPublish? pending))
                {
                    tell(pending);
                }
            }
        }
    }
}
