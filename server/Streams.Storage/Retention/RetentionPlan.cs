using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What retention takes now. Pure.</summary>
/// <remarks>It goes in steps: what a lane has in one segment goes as a whole, when the newest of it is old enough, or when enough bytes
/// are kept without it. Entries go from the front only. The last entry of an own lane stays, so that its end is known by an entry.
/// Streams that keep all cost nothing, and a segment in which nothing is old yet costs one comparison.</remarks>
public sealed class RetentionPlan
{
    private const double MicrosecondsPerTick = 1d / TimeSpan.TicksPerMicrosecond;

    private readonly List<LaneTrim> _trims = [];

    private RetentionPlan()
    {
    }

    /// <summary>For each lane what goes and what is held back by links; lanes of which nothing may go are not named.</summary>
    public IReadOnlyList<LaneTrim> Trims => _trims;

    /// <summary>Whether the segment that is written should be ended, or what becomes old in it goes much too late.</summary>
    public bool EndSegment { get; private set; }

    /// <summary>Runs of lanes that were looked at: what making the plan cost.</summary>
    internal long LookedAt { get; private set; }

    internal static RetentionPlan Make(IReadOnlyList<SegmentLanes> segments, ClusterName own,
        IReadOnlyDictionary<StreamPath, StreamSettings> limited, RetentionRules rules)
    {
        RetentionPlan plan = new();
        if (limited.Count == 0 || segments.Count == 0)
        {
            return plan;
        }

        Dictionary<LaneState, Candidate> candidates = plan.Gather(segments, own, limited, rules);
        foreach ((LaneState lane, Candidate candidate) in candidates)
        {
            plan.Decide(lane, candidate, limited[lane.Id.Partition.Stream], rules);
        }

        plan.EndSegment = IsTimeToEnd(segments[^1], limited, rules);
        return plan;
    }

    // What could go if there were no links.
    private Dictionary<LaneState, Candidate> Gather(IReadOnlyList<SegmentLanes> segments, ClusterName own,
        IReadOnlyDictionary<StreamPath, StreamSettings> limited, RetentionRules rules)
    {
        bool anyBytes = limited.Values.Any(s => s.RetentionBytes is not null);
        TimeSpan shortest = limited.Values.Min(s => s.RetentionAge) ?? TimeSpan.MaxValue;
        long oldest = Before(rules.Now, shortest);
        Dictionary<LaneState, Candidate> candidates = [];
        foreach (SegmentLanes segment in segments)
        {
            if (!anyBytes && segment.OldestEnd >= oldest)
            {
                continue;
            }

            LookedAt += segment.Runs.Length;
            foreach (LaneRun run in segment.Runs)
            {
                if (!run.IsRepaired && run.NextEntry > run.Lane.FirstEntry
                    && limited.TryGetValue(run.Lane.Id.Partition.Stream, out StreamSettings? settings))
                {
                    ref Candidate? candidate = ref CollectionsMarshal.GetValueRefOrAddDefault(candidates, run.Lane, out _);
                    candidate ??= new Candidate(run.Lane, run.Lane.Id.Origin.Cluster == own);
                    candidate.Consider(run, settings, rules.Now);
                }
            }
        }

        return candidates;
    }

    private void Decide(LaneState lane, Candidate candidate, StreamSettings settings, RetentionRules rules)
    {
        if (candidate.Steps.Count == 0)
        {
            return;
        }

        EntryNumber? needed = rules.NeededFrom(lane.Id);
        long late = Before(rules.Now, (settings.RetentionAge ?? TimeSpan.Zero) + rules.HoldAge);
        long held = candidate.Steps.Sum(s => s.Bytes);
        long first = lane.FirstEntry;
        long bytes = 0;
        long taken = 0;
        foreach ((long next, long stepBytes, long newestAt) in candidate.Steps)
        {
            bool isNeeded = needed is { } from && from.Value < next;
            if (isNeeded && newestAt >= late && held <= rules.HoldBytes)
            {
                break;
            }

            taken += isNeeded ? next - Math.Max(first, needed!.Value.Value) : 0;
            (first, bytes, held) = (next, bytes + stepBytes, held - stepBytes);
        }

        long heldEntries = candidate.Steps[^1].NextEntry - first;
        _trims.Add(new LaneTrim(lane.Id, new EntryNumber(first), bytes, taken, heldEntries, heldEntries == 0 ? 0 : held));
    }

    private static bool IsTimeToEnd(SegmentLanes open, IReadOnlyDictionary<StreamPath, StreamSettings> limited, RetentionRules rules)
    {
        foreach (LaneRun run in open.Runs)
        {
            LaneState lane = run.Lane;
            if (run.IsRepaired || !limited.TryGetValue(lane.Id.Partition.Stream, out StreamSettings? settings)
                || lane.NextEntry - lane.FirstEntry < 2)
            {
                continue;
            }

            TimeSpan after = settings.RetentionAge is { } age ? Max(age / 4, rules.LeastSegmentAge) : TimeSpan.MaxValue;
            long bytes = settings.RetentionBytes is { } kept ? Math.Max(kept / 4, rules.LeastSegmentBytes) : long.MaxValue;
            if (run.OldestAt < Before(rules.Now, after) || run.Bytes >= bytes)
            {
                return true;
            }
        }

        return false;
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    // Microseconds since 1970; the beginning of time when that is longer ago.
    private static long Before(DateTimeOffset now, TimeSpan by)
    {
        double at = ((now - DateTimeOffset.UnixEpoch).Ticks * MicrosecondsPerTick) - (by.Ticks * MicrosecondsPerTick);
        return at <= long.MinValue ? long.MinValue : (long)at;
    }

    /// <summary>What may go of a lane, step by step.</summary>
    private sealed class Candidate(LaneState lane, bool isOwn)
    {
        private long _next = lane.FirstEntry;
        private long _kept = lane.Bytes;
        private bool _ended;

        public List<(long NextEntry, long Bytes, long NewestAt)> Steps { get; } = new(1);

        public void Consider(in LaneRun run, StreamSettings settings, DateTimeOffset now)
        {
            long bytes = run.KeptBytes;
            bool isOld = settings.RetentionAge is { } age && run.NewestAt < Before(now, age);
            bool isTooMuch = settings.RetentionBytes is { } limit && _kept - bytes >= limit;
            if (_ended || run.FirstEntry > _next || !(isOld || isTooMuch))
            {
                _ended = true;
                return;
            }

            long next = run.NextEntry;
            if (isOwn && next >= lane.NextEntry)
            {
                _ended = true;
                next = lane.NextEntry - 1;
                bytes -= bytes / Math.Max(1, lane.NextEntry - _next);
            }

            if (next > _next)
            {
                _kept -= bytes;
                _next = next;
                Steps.Add((next, bytes, run.NewestAt));
            }
        }
    }
}
