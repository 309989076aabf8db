using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries that are not here though the lane goes on behind them: damaged in the log, or left out by who sent the
/// lane.</summary>
/// <remarks>Their numbers and offsets stay taken. Where a run of them has no places, all but its last entry count as without events until
/// they come: what is known is where the run begins and where the lane goes on.</remarks>
internal sealed partial class LaneState
{
    private SequenceRanges? _lost;

    /// <summary>Entries declared lost here, first and last of each range; all of them are among the damaged.</summary>
    public IReadOnlyList<(long First, long Last)> Lost => _lost?.Ranges ?? [];

    /// <summary>Whether an entry was declared lost here.</summary>
    public bool IsLost(long entry) => _lost?.Contains(entry) ?? false;

    /// <summary>Takes note of a run; what of it is behind the lane's end makes the lane longer.</summary>
    public void TakeOut(MissingRun run, SegmentContents contents)
    {
        if (run.Next > NextEntry)
        {
            AddHole(run.Next, Math.Max(NextOffset, run.NextOffset), contents);
            NextOffset = Math.Max(NextOffset, run.NextOffset);
        }

        long first = Math.Max(run.First, FirstEntry);
        if (first < run.Next)
        {
            (_damaged ??= new SequenceRanges()).Add(first, run.Next - 1);
            if (run.IsLost)
            {
                (_lost ??= new SequenceRanges()).Add(first, run.Next - 1);
            }
        }
    }

    /// <summary>The writer: the lane goes on behind a run that is staged.</summary>
    public void StageHole(MissingRun run)
    {
        if (run.Next > StagedNextEntry)
        {
            _stagedChecksums = null;
            _stagedFrom = run.Next;
            StagedNextEntry = run.Next;
            StagedNextOffset = run.NextOffset;
        }
    }

    /// <summary>The range of damage that holds an entry, which is damaged: its first and the entry behind it.</summary>
    public (long First, long Next) DamageAround(long entry)
    {
        foreach ((long first, long last) in Damaged)
        {
            if (first <= entry && entry <= last)
            {
                return (first, last + 1);
            }
        }

        return (entry, entry + 1);
    }

    /// <summary>Offset at which the lane goes on behind a damaged entry, of which the next one is none. May read the disk.</summary>
    public long OffsetBehind(long entry) => entry + 1 < NextEntry ? PlaceOf(entry + 1).BaseOffset : NextOffset;

    private void AddHole(long until, long nextOffset, SegmentContents contents)
    {
        (_damaged ??= new SequenceRanges()).Add(NextEntry, until - 1);
        MemoryPart part = Open(NextOffset, contents);
        while (NextEntry < until)
        {
            NextEntry++;
            part.Add(NextEntry == until ? nextOffset : NextOffset, new EntryPlace(-1, 0, 0, NextOffset, AppendedBy));
        }
    }
}
