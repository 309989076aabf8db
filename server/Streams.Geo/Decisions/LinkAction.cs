using Streams.Core;

namespace Streams.Geo;

/// <summary>What a machine wants done. Carried out in order; answers may come late and in any order, but for one lane one at a
/// time.</summary>
internal abstract record LinkAction;

/// <summary>Send it.</summary>
internal sealed record SendFrame(LinkFrame Frame) : LinkAction;

/// <summary>Read entries; answered by <see cref="ILinkMachine.OnRead"/> or <see cref="ILinkMachine.OnDamaged"/>, the frames it gives are
/// sent before the entries' memory is given back.</summary>
internal sealed record ReadLane(int Number, LaneId Lane, EntryNumber From, int MaxBytes) : LinkAction;

/// <summary>Read pieces of the state that changed since a revision, from the beginning when <paramref name="Restart"/>; answered by
/// <see cref="ILinkMachine.OnState"/>.</summary>
internal sealed record ReadState(bool Restart, long Since, int MaxBytes) : LinkAction;

/// <summary>Give entries to the store; answered by <see cref="ILinkMachine.OnIngested"/> or <see cref="ILinkMachine.OnRefused"/>.</summary>
internal sealed record IngestEntries(int Number, LaneId Lane, IReadOnlyList<LaneEntry> Entries) : LinkAction;

/// <summary>Begin a lane's copy anew; answered by <see cref="ILinkMachine.OnSkipped"/>.</summary>
internal sealed record SkipLane(int Number, LaneId Lane, EntryNumber First, Offset FirstOffset) : LinkAction;

/// <summary>Let a lane go on behind entries that its sender lost; answered by <see cref="ILinkMachine.OnTakenOut"/>.</summary>
internal sealed record TakeOutEntries(int Number, LaneId Lane, EntryNumber First, EntryNumber Next, Offset NextOffset) : LinkAction;

/// <summary>Join state; answered by <see cref="ILinkMachine.OnJoined"/>. What changed something is passed on to the other outgoing links
/// (rule R16).</summary>
internal sealed record JoinState(IReadOnlyList<StateItem> Items) : LinkAction;

/// <summary>Open a new incarnation, unless the store's origin is no longer <paramref name="Seen"/>. All links of the cluster begin again
/// after it (rule R12).</summary>
internal sealed record OpenIncarnation(Origin Seen, string Reason) : LinkAction;

/// <summary>Tell people.</summary>
internal sealed record Report(LinkEvent Event, string Text) : LinkAction;

/// <summary>Hang up, after what was to be sent.</summary>
internal sealed record HangUp(string Reason, bool Fault) : LinkAction;

/// <summary>What people are told of.</summary>
internal enum LinkEvent
{
    /// <summary>The two have named themselves.</summary>
    Greeted,

    /// <summary>A lane has two histories, or cannot be taken.</summary>
    LaneRefused,

    /// <summary>Entries that retention removed at the sender were stepped over.</summary>
    Gap,

    /// <summary>Own entries come back from a neighbour (rule R14).</summary>
    Recovering,

    /// <summary>Entries that were to be sent are damaged here.</summary>
    Damaged,

    /// <summary>The receiver asked for entries again.</summary>
    Asked,
}
