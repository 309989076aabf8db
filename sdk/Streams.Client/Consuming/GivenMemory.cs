using Streams.Core;

namespace Streams.Client;

/// <summary>Whose runs: one epoch of one producer.</summary>
internal readonly record struct ProducerEpoch(ProducerId Producer, ulong Epoch);

/// <summary>What has to be kept of one producer's epoch.</summary>
/// <param name="Key">Whose.</param>
/// <param name="Runs">From <see cref="GivenRuns.Write"/>; empty when all of it is forgotten.</param>
/// <param name="LastActive">When something was added last: milliseconds since 1970.</param>
internal readonly record struct KeptRuns(ProducerEpoch Key, byte[] Runs, long LastActive);

/// <summary>The SDK's memory of one partition (rule R17): for each (producer, epoch) the sequences that the application is done with.
/// What it does not know, may be given.</summary>
/// <remarks>Pure. It is kept in one transaction with the local cursor: <see cref="TakeChanges"/>.</remarks>
internal sealed class GivenMemory
{
    private readonly Dictionary<ProducerEpoch, (GivenRuns Runs, long LastActive)> _groups = [];
    private readonly HashSet<ProducerEpoch> _changed = [];
    private ProducerEpoch _lastKey;
    private GivenRuns? _last;

    /// <summary>How many producer epochs are remembered.</summary>
    public int Count => _groups.Count;

    /// <summary>Whether something changed since the last <see cref="TakeChanges"/>.</summary>
    public bool IsChanged => _changed.Count > 0;

    /// <summary>What is remembered of a producer's epoch, or <see langword="null"/>.</summary>
    public GivenRuns? Of(ProducerEpoch key)
    {
        if (_last is not null && key == _lastKey)
        {
            return _last;
        }

        if (!_groups.TryGetValue(key, out (GivenRuns Runs, long LastActive) group))
        {
            return null;
        }

        (_lastKey, _last) = (key, group.Runs);
        return group.Runs;
    }

    /// <summary>Whether the application is done with this event.</summary>
    public bool Contains(in EventIdentity identity) =>
        Of(new ProducerEpoch(identity.Producer, identity.Epoch))?.Contains(identity.Sequence) ?? false;

    /// <summary>Remembers a run.</summary>
    public void Add(ProducerEpoch key, GivenRun run, long now)
    {
        GivenRuns runs = Of(key) ?? new GivenRuns();
        if (runs.Add(run))
        {
            _groups[key] = (runs, now);
            _changed.Add(key);
        }
    }

    /// <summary>A delivery was received whole: what it covers and does not bring counts as given, or ranges would not merge (rule
    /// R17).</summary>
    public void AddCovered(Delivery delivery, BatchHeader? header, long now)
    {
        foreach (SequenceRun run in delivery.Covered)
        {
            ProducerEpoch key = new(run.Producer, run.Epoch);
            if (header is { } head && head.Producer == run.Producer && head.Epoch == run.Epoch)
            {
                AddBetween(delivery, head, run, now);
            }
            else if (delivery.To > delivery.From)
            {
                Add(key, new GivenRun(run.First, run.Last, delivery.Origin, delivery.From.Value, delivery.To.Value - 1), now);
            }
        }
    }

    private void AddBetween(Delivery delivery, in BatchHeader head, in SequenceRun run, long now)
    {
        ProducerEpoch key = new(run.Producer, run.Epoch);
        long next = run.First;
        if (delivery.Indexes.Count == 0)
        {
            AddDense(delivery, head, key, next, Math.Min(head.FirstSequence - 1, run.Last), now);
            AddDense(delivery, head, key, Math.Max(next, head.FirstSequence + head.Count), run.Last, now);
            return;
        }

        for (int i = 0; i < head.Count && next <= run.Last; i++)
        {
            long brought = head.FirstSequence + delivery.IndexOf(i);
            AddDense(delivery, head, key, next, Math.Min(brought - 1, run.Last), now);
            next = Math.Max(next, brought + 1);
        }

        AddDense(delivery, head, key, next, run.Last, now);
    }

    private void AddDense(Delivery delivery, in BatchHeader head, ProducerEpoch key, long first, long last, long now)
    {
        if (first > last)
        {
            return;
        }

        long offset = delivery.BatchOffset.Value + (first - head.FirstSequence);
        Add(key, offset >= 0 ? new GivenRun(first, last, delivery.Origin, offset, offset + (last - first))
            : new GivenRun(first, last, delivery.Origin, delivery.From.Value, Math.Max(delivery.From.Value, delivery.To.Value - 1)), now);
    }

    /// <summary>Takes what was kept.</summary>
    public void Restore(KeptRuns kept) => _groups[kept.Key] = (GivenRuns.Read(kept.Runs), kept.LastActive);

    /// <summary>A rewind (rule R11): forgets exactly what was given at or behind the new position of its lane.</summary>
    public void Forget(Cursor cursor)
    {
        _last = null;
        foreach ((ProducerEpoch key, (GivenRuns runs, _)) in _groups)
        {
            if (runs.Forget(cursor))
            {
                _changed.Add(key);
            }
        }

        foreach (ProducerEpoch key in _changed)
        {
            if (_groups.TryGetValue(key, out (GivenRuns Runs, long LastActive) group) && group.Runs.Runs.Count == 0)
            {
                _groups.Remove(key);
            }
        }
    }

    /// <summary>Forgets producers that have been idle since <paramref name="before"/> (rule R17); gives how many epochs.</summary>
    public int Evict(long before)
    {
        int evicted = 0;
        foreach ((ProducerEpoch key, (_, long lastActive)) in _groups)
        {
            if (lastActive < before)
            {
                _groups.Remove(key);                 // allowed while enumerating: removal does not disturb a dictionary's enumerator
                _changed.Add(key);
                evicted++;
            }
        }

        _last = evicted > 0 ? null : _last;
        return evicted;
    }

    /// <summary>What is to be kept since the last call.</summary>
    public List<KeptRuns> TakeChanges()
    {
        List<KeptRuns> changes = [];
        foreach (ProducerEpoch key in _changed)
        {
            changes.Add(_groups.TryGetValue(key, out (GivenRuns Runs, long LastActive) group)
                ? new KeptRuns(key, group.Runs.Write(), group.LastActive) : new KeptRuns(key, [], 0));
        }

        _changed.Clear();
        return changes;
    }
}
