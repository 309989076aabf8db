using Streams.Core;

namespace Streams.Storage;

/// <summary>How far checking has come in a lane.</summary>
internal sealed class LaneCheck(LaneId id, int number)
{
    public LaneId Id => id;

    public int Number => number;

    /// <summary>Whether anything was seen of it: what it begins with may be at any entry when what was before it is no longer in the
    /// log.</summary>
    public bool IsBegun { get; private set; }

    public long FirstEntry { get; private set; }

    public long FirstOffset { get; private set; }

    public long NextEntry { get; private set; }

    public long NextOffset { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The latest time of appending up to here.</summary>
    public long AppendedBy { get; private set; }

    /// <summary>Whether <see cref="AppendedBy"/> is exact: nothing of the lane was missed.</summary>
    public bool IsExact { get; private set; } = true;

    /// <summary>The segment in which it was last declared.</summary>
    public long DeclaredIn { get; set; } = -1;

    /// <summary>The segment in which it last had something.</summary>
    public long SeenIn { get; set; } = -1;

    private readonly SortedSet<long> _repaired = [];

    /// <summary>Goes over an entry that was damaged further up and got back.</summary>
    public string? Repair(LaneEntry entry)
    {
        long number = entry.Number.Value;
        if (IsBegun && number >= NextEntry)
        {
            return $"{id}: entry {number} is said to be got back, but entry {NextEntry} comes next";
        }

        _repaired.Add(number);
        return null;
    }

    /// <summary>Entries that the log itself says are not there.</summary>
    public string? TakeOut(MissingRun run)
    {
        if (!IsBegun && run.First > 0)
        {
            (FirstEntry, NextEntry, NextOffset) = (run.First, run.First, 0);
        }

        for (long entry = run.First; entry < run.Next; entry++)
        {
            _repaired.Add(entry);
        }

        if (run.Next <= NextEntry)
        {
            return null;
        }

        string? fault = run.First > NextEntry ? $"{id}: entry {run.First} is said to be missing, but entry {NextEntry} comes next"
            : run.NextOffset < NextOffset ? $"{id}: entries to {run.Next - 1} are said to end at offset {run.NextOffset}, "
                + $"but the lane is at offset {NextOffset}"
            : null;
        IsBegun = true;
        IsExact = false;
        (NextEntry, NextOffset) = (run.Next, run.NextOffset);
        return fault;
    }

    /// <summary>What of a run of entries is neither there nor was it got back, nor did retention take it.</summary>
    public IEnumerable<(long From, long To)> Lost(long from, long to)
    {
        long next = Math.Max(from, FirstEntry);
        if (next >= to)
        {
            yield break;
        }

        foreach (long repaired in _repaired.GetViewBetween(next, to - 1))
        {
            if (repaired > next)
            {
                yield return (next, repaired);
            }

            next = repaired + 1;
        }

        if (next < to)
        {
            yield return (next, to);
        }
    }

    /// <summary>Goes over an entry; what is wrong with its place, if something is. <paramref name="missing"/> is how many entries before it
    /// are not there.</summary>
    public string? Take(LaneEntry entry, int bytes, bool mayBegin, out long missing)
    {
        missing = 0;
        long number = entry.Number.Value;
        long offset = entry.BaseOffset.Value;
        if (!IsBegun && (mayBegin || number == 0))
        {
            (FirstEntry, FirstOffset, NextEntry, NextOffset, IsExact) = (number, offset, number, offset, number == 0);
        }

        IsBegun = true;
        if (number < NextEntry)
        {
            return $"{id}: entry {number} stands where entry {NextEntry} belongs";
        }

        missing = number - NextEntry;
        string? fault = offset < NextOffset || (missing == 0 && offset != NextOffset)
            ? $"{id}: entry {number} begins at offset {offset}, offset {NextOffset} belongs there" : null;
        IsExact &= missing == 0;
        (NextEntry, NextOffset) = (number + 1, entry.NextOffset.Value);
        AppendedBy = Math.Max(AppendedBy, entry.AppendedAt);
        Bytes += bytes;
        return fault;
    }

    /// <summary>The copy begins at an entry.</summary>
    public string? Skip(long first, long offset)
    {
        if (first <= FirstEntry && FirstEntry > 0)
        {
            return null;
        }

        if (IsBegun && (first >= NextEntry ? offset < NextOffset : offset > NextOffset))
        {
            return $"{id}: it is skipped to entry {first} at offset {offset}, but entry {NextEntry} is at offset {NextOffset}";
        }

        IsBegun = true;
        (FirstEntry, FirstOffset) = (first, offset);
        if (first >= NextEntry)
        {
            (NextEntry, NextOffset, AppendedBy, IsExact) = (first, offset, 0, true);
        }

        return null;
    }

    /// <summary>A partitionlet ends here. <paramref name="missing"/> is how many entries before its end are not there: they may have been
    /// given back, while the record of the end stayed.</summary>
    public string? Seal(in SealedRun run, out long missing)
    {
        missing = IsBegun && run.NextOffset >= NextOffset ? Math.Max(0, run.NextEntry - NextEntry) : 0;
        if (missing > 0)
        {
            (NextEntry, NextOffset, IsExact) = (run.NextEntry, run.NextOffset, false);
        }

        bool isHere = !IsBegun || (run.NextEntry == NextEntry && run.NextOffset == NextOffset);
        return !isHere ? $"{id}: a partitionlet is sealed at entry {run.NextEntry}, offset {run.NextOffset}, "
                + $"but entry {NextEntry}, offset {NextOffset} comes next"
            : run.FirstEntry > run.NextEntry || run.FirstOffset > run.NextOffset
                ? $"{id}: a sealed partitionlet ends at entry {run.NextEntry} before it begins at entry {run.FirstEntry}"
            : null;
    }
}
