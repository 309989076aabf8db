using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Streams.Storage;

/// <summary>Gives back the space of what retention took: segments without a kept entry go as a whole, of others the dead ranges.</summary>
/// <remarks>The log is the only truth (invariant 6), so before anything goes the facts that are told there are written once more at the end
/// of the log and flushed. Then what is to go is marked, and only then it goes: a crash at any point leaves the facts twice at worst. One
/// pass at a time. Failure: what was not given back stays and is looked at again by the next pass; nothing that is kept is
/// touched.</remarks>
internal sealed class Reclaimer(SegmentLog log, Func<IReadOnlyList<SegmentLanes>> lanes, Action<long> forget,
    Func<IReadOnlyList<FactKey>, CancellationToken, Task> restate, RetainedPlaces retained, ILogger logger)
{
    // Facts of so many names are in memory at once, and those of the segment under way.
    private const int MaxFacts = 400_000;
    private const int PieceFacts = 512;
    private const int PieceBytes = 256 << 10;
    private const int BlockBytes = 4 << 10;

    private readonly Dictionary<long, long> _given = [];
    private long _notWorthIt;
    private bool _cannotPunch;

    /// <summary>One pass.</summary>
    /// <param name="pace">Told how many bytes were read or written; waits as long as it wants the pass to wait.</param>
    /// <param name="cancellationToken">Ends the pass between two steps.</param>
    public async ValueTask<ReclaimReport> RunAsync(Func<long, CancellationToken, ValueTask> pace, CancellationToken cancellationToken)
    {
        IReadOnlyList<SegmentLanes> segments = lanes();
        ReclaimPlan plan = ReclaimPlan.Make(segments, _given);
        Dictionary<long, SegmentLanes> byFirst = segments.ToDictionary(s => s.First);
        ReclaimReport report = await DeleteAsync(plan.Whole, byFirst, pace, cancellationToken);
        foreach ((long first, long dead) in plan.Partial)
        {
            if (_cannotPunch)
            {
                break;
            }

            report += await PunchAsync(log.Find(first), byFirst[first], pace, cancellationToken);
            _given[first] = dead;
        }

        return report;
    }

    private async ValueTask<ReclaimReport> DeleteAsync(IReadOnlyList<long> whole, Dictionary<long, SegmentLanes> lanesOf,
        Func<long, CancellationToken, ValueTask> pace, CancellationToken cancellationToken)
    {
        List<Segment> going = Deletable(whole);
        long bytes = going.Sum(s => s.Used);
        if (going.Count == 0 || bytes < _notWorthIt + (_notWorthIt / 2))
        {
            return default;
        }

        FactGatherer facts = new(retained);
        int count = 0;
        while (count < going.Count && (count == 0 || facts.Count < MaxFacts))
        {
            DeadRanges scan = new(lanesOf[going[count].First], facts);
            await scan.ScanAsync(going[count], all: true, pace, cancellationToken);
            count++;
        }

        // Facts that were told often pass once. When most of what goes would have to be written again it stays, until there is half as
        // much again: else facts alone would be moved around for ever.
        bytes = going.Take(count).Sum(s => s.Used);
        if (count == going.Count && facts.Cost > bytes / 2)
        {
            _notWorthIt = bytes;
            return default;
        }

        _notWorthIt = 0;
        await RestateAsync(facts, pace, cancellationToken);
        Delete(going[..count]);
        logger.SegmentsDeleted(count, bytes, facts.Count);
        return new ReclaimReport(count, bytes, facts.Count, 0);
    }

    // Of what begins the log, the youngest segment stays while the next is the one being written: only a segment that has ended can be
    // marked as the beginning.
    private List<Segment> Deletable(IReadOnlyList<long> whole)
    {
        HashSet<long> dead = [.. whole];
        ReadOnlySpan<Segment> all = log.Segments;
        List<Segment> going = [];
        foreach (Segment segment in all)
        {
            if (dead.Contains(segment.First))
            {
                going.Add(segment);
            }
        }

        if (going.Count == all.Length - 1 && going.Count > 0)
        {
            going.RemoveAt(going.Count - 1);
        }

        return going;
    }

    private void Delete(List<Segment> going)
    {
        HashSet<Segment> set = [.. going];
        Segment? before = null;
        bool wasGoing = false;
        foreach (Segment segment in log.Segments)
        {
            if (set.Contains(segment))
            {
                wasGoing = true;
                continue;
            }

            if (wasGoing && before is null)
            {
                SegmentLog.Replace(segment, segment.Header with { BeginsLog = true });
            }
            else if (wasGoing)
            {
                log.CutForGood(before!);
                SegmentLog.Replace(before!, before!.Header with { NextPosition = segment.First });
            }

            (before, wasGoing) = (segment, false);
        }

        foreach (Segment segment in going)
        {
            log.Delete(segment);
            forget(segment.First);
            _given.Remove(segment.First);
        }

        log.SyncDirectory();
    }

    private async ValueTask<ReclaimReport> PunchAsync(Segment segment, SegmentLanes of, Func<long, CancellationToken, ValueTask> pace,
        CancellationToken cancellationToken)
    {
        FactGatherer facts = new(retained);
        DeadRanges scan = new(of, facts);
        await scan.ScanAsync(segment, all: false, pace, cancellationToken);
        if (scan.Ranges.Count == 0)
        {
            return default;
        }

        await RestateAsync(facts, pace, cancellationToken);
        foreach (DeadRange range in scan.Ranges)
        {
            segment.File.Write(range.Offset, Hole(segment.First + range.Offset, range));
        }

        segment.File.Flush();
        long given = 0;
        foreach (DeadRange range in scan.Ranges)
        {
            long from = SegmentLog.RoundUp(range.Offset + DeadRanges.HoleBytes, BlockBytes);
            long to = (range.Offset + range.Length) / BlockBytes * BlockBytes;
            _cannotPunch |= to > from && !segment.File.TryPunch(from, to - from);
            given += _cannotPunch ? 0 : Math.Max(0, to - from);
            await pace(to - from, cancellationToken);
        }

        logger.RangesGivenBack(segment.Name, scan.Ranges.Count, given, facts.Count);
        return new ReclaimReport(0, given, facts.Count, scan.Ranges.Count);
    }

    private async ValueTask RestateAsync(FactGatherer facts, Func<long, CancellationToken, ValueTask> pace,
        CancellationToken cancellationToken)
    {
        List<FactKey> piece = [];
        int bytes = 0;
        foreach (FactKey key in facts.Keys)
        {
            piece.Add(key);
            bytes += key.Cost;
            if (piece.Count == PieceFacts || bytes >= PieceBytes)
            {
                await restate(piece, cancellationToken);
                await pace(bytes, cancellationToken);
                (piece, bytes) = ([], 0);
            }
        }

        if (piece.Count > 0)
        {
            await restate(piece, cancellationToken);
        }
    }

    private static byte[] Hole(long position, in DeadRange range)
    {
        ArrayBufferWriter<byte> output = new(DeadRanges.HoleBytes);
        output.Advance(RecordHeader.Size);
        RecordBodies.WriteHole(output, range.Length);
        byte[] record = output.WrittenSpan.ToArray();
        RecordHeader.Seal(record, position, RecordKind.Hole, range.Group);
        return record;
    }
}
