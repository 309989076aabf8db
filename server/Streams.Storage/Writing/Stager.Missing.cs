using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries that are not there: left out by the sender of a lane, or declared lost here.</summary>
internal sealed partial class Stager
{
    /// <summary>The sender of a lane cannot give entries [<paramref name="first"/>, <paramref name="next"/>), and goes on behind them: the
    /// lane does too, at the same numbers. What is here of them stays.</summary>
    public IngestResult TakeOut(LaneId id, long first, long next, long nextOffset)
    {
        ClosePlain(id.Partition);
        LaneState lane = Lane(id);
        if (next <= lane.StagedNextEntry)
        {
            return new IngestResult(IngestOutcome.Taken, new EntryNumber(lane.StagedNextEntry));
        }

        if (first > lane.StagedNextEntry)
        {
            return new IngestResult(IngestOutcome.Ahead, new EntryNumber(lane.StagedNextEntry));
        }

        if (!MissingRun.IsPossible(next - lane.StagedNextEntry, nextOffset - lane.StagedNextOffset))
        {
            Fork = $"{lane.Id}: entries {lane.StagedNextEntry} to {next - 1} are said to end at offset {nextOffset}, "
                + $"here they begin at {lane.StagedNextOffset}";
            return new IngestResult(IngestOutcome.Fork, new EntryNumber(lane.StagedNextEntry));
        }

        MissingRun run = new(lane.StagedNextEntry, next, nextOffset, IsLost: false);
        StageMissing(lane, run);
        lane.StageHole(run);
        return new IngestResult(IngestOutcome.Taken, new EntryNumber(next));
    }

    /// <summary>Declares lost what of entries [<paramref name="first"/>, <paramref name="next"/>) is damaged or missing, in whole ranges;
    /// gives what is newly so.</summary>
    public IReadOnlyList<MissingRun> DeclareLost(LaneId id, long first, long next)
    {
        if (_state.Lanes.Find(id) is not { } found)
        {
            return [];
        }

        List<MissingRun> runs = [];
        foreach ((long from, long last) in found.Damaged)
        {
            if (from < next && last >= first && IsNews(found, from, last))
            {
                runs.Add(new MissingRun(from, last + 1, found.OffsetBehind(last), IsLost: true));
            }
        }

        foreach (MissingRun run in runs)
        {
            StageMissing(Lane(id), run);
        }

        return runs;
    }

    private static bool IsNews(LaneState lane, long first, long last)
    {
        for (long entry = first; entry <= last; entry++)
        {
            if (!lane.IsLost(entry))
            {
                return true;
            }
        }

        return false;
    }

    // In pieces as they are known now: what was got back since is left out.
    private void RestateMissing(LaneState lane)
    {
        foreach ((long first, long last) in lane.Damaged)
        {
            bool isLost = lane.IsLost(first);
            long from = first;
            for (long entry = first; entry <= last; entry++)
            {
                if (lane.IsLost(entry) != isLost)
                {
                    StageMissing(lane, new MissingRun(from, entry, lane.PlaceOf(entry).BaseOffset, isLost));
                    (from, isLost) = (entry, !isLost);
                }
            }

            StageMissing(lane, new MissingRun(from, last + 1, lane.OffsetBehind(last), isLost));
        }
    }

    private void StageMissing(LaneState lane, MissingRun run)
    {
        Declare(lane);
        _buffer.BeginRecord();
        run.Write(_buffer, lane.Number);
        _buffer.EndRecord(RecordKind.LaneLost);
        _records.Add(new StagedRecord(RecordKind.LaneLost, lane, run, default, default));
        ChangesLanes = true;
        _changedStreams.Add(lane.Id.Partition.Stream);
    }
}
