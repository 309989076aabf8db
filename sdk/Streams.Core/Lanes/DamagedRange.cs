namespace Streams.Core;

/// <summary>Entries of a lane that are kept in a store and cannot be read there: the log is damaged.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="First">The first of them.</param>
/// <param name="Next">The entry behind the last of them.</param>
public readonly record struct DamagedRange(LaneId Lane, EntryNumber First, EntryNumber Next);
