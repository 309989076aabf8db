namespace Streams.Storage;

/// <summary>Which segments hold nothing that is kept, and of which a share is dead. Pure.</summary>
/// <param name="Whole">Segments without a kept entry, oldest first. They may still tell facts.</param>
/// <param name="Partial">Segments of which enough is dead, oldest first, and how many bytes of entries in them are.</param>
internal sealed record ReclaimPlan(IReadOnlyList<long> Whole, IReadOnlyList<(long Segment, long DeadBytes)> Partial)
{
    /// <summary>A segment is worth a look when so much of it is dead that was not given back yet: each look reads all of it.</summary>
    public const double Share = 0.5;

    /// <param name="segments">All segments, oldest first; the last is being written and is left alone.</param>
    /// <param name="given">Bytes of dead entries that were dealt with in a segment.</param>
    public static ReclaimPlan Make(IReadOnlyList<SegmentLanes> segments, IReadOnlyDictionary<long, long> given)
    {
        List<long> whole = [];
        List<(long Segment, long DeadBytes)> partial = [];
        for (int i = 0; i + 1 < segments.Count; i++)
        {
            SegmentLanes segment = segments[i];
            long all = 0;
            long kept = 0;
            foreach (LaneRun run in segment.Runs)
            {
                all += run.Bytes;
                kept += run.KeptBytes;
            }

            long dead = all - kept;
            if (kept == 0)
            {
                whole.Add(segment.First);
            }
            else if (dead - given.GetValueOrDefault(segment.First) >= all * Share)
            {
                partial.Add((segment.First, dead));
            }
        }

        return new ReclaimPlan(whole, partial);
    }
}
