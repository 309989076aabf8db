using Streams.Core;

namespace Streams.Storage;

/// <summary>By what a plan of retention is made, beside the settings of the streams.</summary>
public sealed record RetentionRules
{
    /// <summary>The moment by which ages count: that of a <see cref="RetentionClock"/>, not of the wall clock.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The first entry of a lane that a link still needs; <see langword="null"/> when none needs anything of it. Default: there
    /// are no links.</summary>
    public Func<LaneId, EntryNumber?> NeededFrom { get; init; } = static _ => null;

    /// <summary>How long links hold back what may go. Default 24 h: a link that is down for a day is noticed.</summary>
    public TimeSpan HoldAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of a lane that links hold back at most. Default 1 GiB.</summary>
    public long HoldBytes { get; init; } = 1L << 30;

    /// <summary>The segment that is written is ended after a quarter of the shortest age, but not before this. Default 1 minute: each
    /// segment costs a file and some flushes.</summary>
    public TimeSpan LeastSegmentAge { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The segment that is written is ended when a lane has a quarter of its bytes there, but not before this. Default
    /// 16 MiB.</summary>
    public long LeastSegmentBytes { get; init; } = 16 << 20;
}

/// <summary>What retention takes from the front of a lane.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="First">The first entry kept from then on; the one kept now, when all that may go is held back.</param>
/// <param name="Bytes">Bytes of the entries that go, about.</param>
/// <param name="TakenFromLinks">Entries that go although a link needed them: it was too late.</param>
/// <param name="HeldEntries">Entries that could go if no link needed them.</param>
/// <param name="HeldBytes">Their bytes, about.</param>
public readonly record struct LaneTrim(LaneId Lane, EntryNumber First, long Bytes, long TakenFromLinks, long HeldEntries, long HeldBytes);
