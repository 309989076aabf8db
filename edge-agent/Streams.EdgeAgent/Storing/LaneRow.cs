using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A lane as the table of lanes has it. Immutable: the writer makes another one with each change.</summary>
/// <param name="Row">Its row id.</param>
/// <param name="Lane">The lane.</param>
/// <param name="FirstEntry">First entry kept.</param>
/// <param name="NextEntry">Behind the last entry.</param>
/// <param name="FirstOffset">First event kept.</param>
/// <param name="NextOffset">Behind the last event.</param>
/// <param name="Bytes">Of the bodies kept.</param>
/// <param name="At">When the last entry was appended, microseconds since 1970; never falls.</param>
/// <param name="IsOwn">Whether it was written here; else it came down from a cluster, and never goes up.</param>
/// <param name="Sent">Offset behind the last event that a cluster is known to have; -1 while nothing of the lane is to go
/// up.</param>
internal sealed record LaneRow(long Row, LaneId Lane, long FirstEntry, long NextEntry, long FirstOffset, long NextOffset, long Bytes,
    long At, bool IsOwn, long Sent)
{
    /// <summary>As others see it.</summary>
    public LaneStatus Status => new(Lane, new EntryNumber(FirstEntry), new EntryNumber(NextEntry), new Offset(FirstOffset),
        new Offset(NextOffset), Bytes);
}
