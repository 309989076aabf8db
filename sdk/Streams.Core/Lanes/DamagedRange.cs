namespace Streams.Core;

/// <summary>Entries of a lane that are kept in a store and cannot be read there: the log is damaged.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="First">The first of them.</param>
/// <param name="Next">The entry behind the last of them.</param>
/// <param name="IsLost">Whether they were declared lost: the lane is passed on and read without them. They are taken when somebody has
/// them all the same.</param>
public readonly record struct DamagedRange(LaneId Lane, EntryNumber First, EntryNumber Next, bool IsLost = false);
