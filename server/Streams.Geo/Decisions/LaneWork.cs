using Streams.Core;

namespace Streams.Geo;

/// <summary>What is to be done with a lane that entries come for; forgotten when nothing is left. Bounded by the credit of the
/// link.</summary>
internal sealed class LaneWork
{
    private readonly Queue<LaneStep> _steps = new();
    private LaneStep? _last;

    /// <summary>Whether an operation of the store is under way.</summary>
    public bool Busy { get; set; }

    /// <summary>Whether the lane stands in the queue of those that can go on.</summary>
    public bool Queued { get; set; }

    /// <summary>Whether an entry came ahead and was asked for: what follows is thrown away until the sender has begun again (rule
    /// R13).</summary>
    public bool Discarding { get; set; }

    /// <summary>The last entry that came.</summary>
    public EntryNumber LastSeen { get; private set; }

    /// <summary>What is next, or <see langword="null"/>.</summary>
    public LaneStep? Next => _steps.TryPeek(out LaneStep? step) ? step : null;

    /// <summary>Whether it can be forgotten.</summary>
    public bool IsIdle => !Busy && !Queued && !Discarding && _steps.Count == 0;

    /// <summary>Whether the entry is part of what was sent before the sender began again.</summary>
    public bool Discards(EntryNumber number)
    {
        bool old = Discarding && number > LastSeen;
        Discarding = old;
        LastSeen = number;
        return old;
    }

    /// <summary>Puts an entry behind what waits: into the last group when it follows on and the group is not full.</summary>
    public void Add(LaneEntry entry, int cost)
    {
        if (_last is not { Entries: { } group } || group[^1].Number + 1 != entry.Number
            || group.Count >= LinkLimits.EntriesPerIngest || _last.Bytes >= LinkLimits.BytesPerIngest)
        {
            _last = new LaneStep { Entries = [] };
            _steps.Enqueue(_last);
        }

        _last.Entries!.Add(entry);
        _last.Bytes += cost;
    }

    /// <summary>Puts entries that are lost behind what waits.</summary>
    public void Add(LostFrame lost)
    {
        LastSeen = new EntryNumber(lost.Next.Value - 1);
        _last = new LaneStep { Lost = lost, Bytes = LinkLimits.CostOfLost };
        _steps.Enqueue(_last);
    }

    /// <summary>Puts a gap behind what waits; it is stepped over when <paramref name="joins"/> joins are done (rule R16: state
    /// first).</summary>
    public void Add(SkipFrame skip, long joins)
    {
        Discarding = false;
        if (_last is { Skip: not null })
        {
            // Two gaps in a row are one: however many are told of, one waits.
            (_last.Skip, _last.Joins) = (skip, joins);
            return;
        }

        _last = new LaneStep { Skip = skip, Joins = joins };
        _steps.Enqueue(_last);
    }

    /// <summary>Takes what is next.</summary>
    public LaneStep Take()
    {
        LaneStep step = _steps.Dequeue();
        if (step == _last)
        {
            _last = null;
        }

        return step;
    }
}

/// <summary>A group of consecutive entries, a gap at the beginning, or entries that are lost.</summary>
internal sealed class LaneStep
{
    public List<LaneEntry>? Entries { get; init; }

    public SkipFrame? Skip { get; set; }

    public LostFrame? Lost { get; init; }

    public long Joins { get; set; }

    public int Bytes { get; set; }
}
