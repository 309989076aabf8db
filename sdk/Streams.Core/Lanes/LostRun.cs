namespace Streams.Core;

/// <summary>Entries of a lane that were declared lost in a store. Their numbers and their offsets stay taken; the lane goes on behind
/// them.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="First">The first of them.</param>
/// <param name="Next">The entry behind the last of them.</param>
/// <param name="NextOffset">Offset behind their events: the first event of the entry behind them has it.</param>
public readonly record struct LostRun(LaneId Lane, EntryNumber First, EntryNumber Next, Offset NextOffset);
