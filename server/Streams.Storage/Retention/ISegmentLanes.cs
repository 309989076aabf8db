namespace Streams.Storage;

/// <summary>What stands in the segments of a log, lane by lane: all that retention and the giving back of space have to know of it. Taken
/// under the container's lock; what is given does not change afterwards.</summary>
internal interface ISegmentLanes
{
    /// <summary>The segments, oldest first; the last is the one being written.</summary>
    IReadOnlyList<SegmentLanes> Take();

    /// <summary>A segment is no longer there.</summary>
    void Forget(long segment);
}

/// <summary>Consecutive entries of a lane in one segment.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="FirstEntry">The first of them.</param>
/// <param name="NextEntry">Behind the last of them.</param>
/// <param name="Bytes">Bytes of their records.</param>
/// <param name="OldestAt">When the oldest was appended at its origin, in microseconds since 1970.</param>
/// <param name="NewestAt">When the newest was.</param>
internal readonly record struct LaneRun(LaneState Lane, long FirstEntry, long NextEntry, long Bytes, long OldestAt, long NewestAt)
{
    /// <summary>Whether it is one entry that is damaged further up and was got back: it goes when the lane has gone beyond it, and says
    /// nothing of when the lane becomes old.</summary>
    public bool IsRepaired { get; init; }

    /// <summary>Bytes of those that are kept, about: entries of a run count alike.</summary>
    public long KeptBytes => NextEntry <= Lane.FirstEntry ? 0
        : FirstEntry >= Lane.FirstEntry ? Bytes
        : Bytes / (NextEntry - FirstEntry) * (NextEntry - Lane.FirstEntry);
}

/// <summary>The lanes of one segment.</summary>
/// <param name="First">The segment's first position.</param>
/// <param name="Runs">One run for each lane that has entries there, in no order.</param>
/// <param name="OldestEnd">The earliest of the moments at which runs end: before it nothing of the segment becomes old.</param>
internal sealed record SegmentLanes(long First, LaneRun[] Runs, long OldestEnd);
