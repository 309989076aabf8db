using Streams.Core;

namespace Streams.Client;

/// <summary>A place in a lane that a reader knows.</summary>
internal readonly record struct EventSpot(LaneState Lane, long Offset);

/// <summary>Consecutive events of one producer's epoch at consecutive offsets of one lane, handed out and not acknowledged.</summary>
/// <param name="First">Sequence of the first.</param>
/// <param name="Last">Sequence of the last.</param>
/// <param name="Lane">The lane.</param>
/// <param name="Offset">Offset of the first.</param>
/// <param name="Copies">Where copies of some were met meanwhile, or <see langword="null"/>.</param>
internal readonly record struct OutstandingRun(long First, long Last, LaneState Lane, long Offset,
    List<(long Sequence, EventSpot Spot)>? Copies)
{
    /// <summary>Offset of the last.</summary>
    public long LastOffset => Offset + (Last - First);

    /// <summary>A part of it.</summary>
    public OutstandingRun Part(long first, long last) => new(first, last, Lane, Offset + (first - First),
        Copies?.FindAll(c => c.Sequence >= first && c.Sequence <= last) is { Count: > 0 } copies ? copies : null);
}

/// <summary>Events handed out and not acknowledged: where each stands, and where copies of it were met meanwhile.</summary>
/// <remarks>Pure. Kept as runs, so that what came as a batch and is acknowledged in order costs what one event does.</remarks>
internal sealed class Outstanding
{
    private const int MaxSpare = 64;

    private readonly Dictionary<ProducerEpoch, List<OutstandingRun>> _runs = [];
    private readonly Stack<List<OutstandingRun>> _spare = new();

    /// <summary>How many events.</summary>
    public long Count { get; private set; }

    /// <summary>Events are handed out; none of them is outstanding.</summary>
    public void Add(in ProducerEpoch key, OutstandingRun run)
    {
        if (!_runs.TryGetValue(key, out List<OutstandingRun>? runs))
        {
            runs = _spare.TryPop(out List<OutstandingRun>? spare) ? spare : [];
            _runs.Add(key, runs);
        }

        Count += run.Last - run.First + 1;
        int at = runs.Count == 0 || runs[^1].Last < run.First ? runs.Count : Find(runs, run.First);
        runs.Insert(at, run);
    }

    /// <summary>The first outstanding sequence at or behind one, or <see cref="long.MaxValue"/>.</summary>
    public long NextFrom(in ProducerEpoch key, long sequence)
    {
        if (_runs.Count == 0 || !_runs.TryGetValue(key, out List<OutstandingRun>? runs) || runs[^1].Last < sequence)
        {
            return long.MaxValue;
        }

        return Math.Max(sequence, runs[Find(runs, sequence)].First);
    }

    /// <summary>A copy was met (or the same again after a reconnect): true, and its place is let go together with the event, when that
    /// is handed out.</summary>
    public bool TryTie(in EventIdentity identity, EventSpot copy)
    {
        if (_runs.Count == 0 || !_runs.TryGetValue(new ProducerEpoch(identity.Producer, identity.Epoch), out List<OutstandingRun>? runs))
        {
            return false;
        }

        int at = Find(runs, identity.Sequence);
        if (at == runs.Count || runs[at].First > identity.Sequence)
        {
            return false;
        }

        OutstandingRun run = runs[at];
        EventSpot spot = new(run.Lane, run.Offset + (identity.Sequence - run.First));
        if (spot != copy && run.Copies?.Contains((identity.Sequence, copy)) != true)
        {
            if (run.Copies is null)
            {
                runs[at] = run = run with { Copies = [] };
            }

            run.Copies!.Add((identity.Sequence, copy));
        }

        return true;
    }

    /// <summary>Events are acknowledged: what is outstanding of them is taken out and given, in rising order.</summary>
    public void Remove(in ProducerEpoch key, long first, long last, List<OutstandingRun> removed)
    {
        if (!_runs.TryGetValue(key, out List<OutstandingRun>? runs))
        {
            return;
        }

        for (int at = Find(runs, first); at < runs.Count && runs[at].First <= last;)
        {
            OutstandingRun run = runs[at];
            OutstandingRun gone = run.First >= first && run.Last <= last ? run
                : run.Part(Math.Max(first, run.First), Math.Min(last, run.Last));
            removed.Add(gone);
            Count -= gone.Last - gone.First + 1;
            if (gone.Last < run.Last)
            {
                runs[at] = run.Part(gone.Last + 1, run.Last);
            }
            else
            {
                runs.RemoveAt(at);
            }

            if (gone.First > run.First)
            {
                runs.Insert(at++, run.Part(run.First, gone.First - 1));
            }
        }

        if (runs.Count == 0)
        {
            _runs.Remove(key);
            if (_spare.Count < MaxSpare)
            {
                _spare.Push(runs);
            }
        }
    }

    /// <summary>Adds what is outstanding of a lane up to an offset and with it.</summary>
    public void UpTo(LaneState lane, long offset, List<SequenceSpan> spans)
    {
        foreach ((ProducerEpoch key, List<OutstandingRun> runs) in _runs)
        {
            foreach (OutstandingRun run in runs)
            {
                if (ReferenceEquals(run.Lane, lane) && run.Offset <= offset)
                {
                    spans.Add(new SequenceSpan(key, run.First, run.First + (Math.Min(run.LastOffset, offset) - run.Offset)));
                }
            }
        }
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _runs.Clear();
        Count = 0;
    }

    /// <summary>A session begins: what is handed out holds its lanes back as before.</summary>
    public void Reopen()
    {
        foreach (List<OutstandingRun> runs in _runs.Values)
        {
            foreach (OutstandingRun run in runs)
            {
                run.Lane.Open.Add(run.Offset, run.LastOffset);
                foreach ((_, EventSpot copy) in run.Copies ?? [])
                {
                    copy.Lane.Open.Add(copy.Offset, copy.Offset);
                }
            }
        }
    }

    // The first run that ends at or behind the sequence.
    private static int Find(List<OutstandingRun> runs, long sequence)
    {
        int low = 0;
        int high = runs.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (runs[middle].Last < sequence)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
