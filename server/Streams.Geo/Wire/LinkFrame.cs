using Streams.Core;

namespace Streams.Geo;

/// <summary>A frame of the link protocol as data. The order of a session is told in docs/link-protocol.md.</summary>
internal abstract record LinkFrame(FrameType Type);

/// <summary>A lane and what is held of it.</summary>
internal readonly record struct LaneHead(LaneId Lane, EntryNumber First, EntryNumber Next, Offset NextOffset)
{
    public static LaneHead Of(in LaneStatus s) => new(s.Lane, s.FirstEntry, s.NextEntry, s.NextOffset);
}

/// <summary>A lane by its number in the session, and the next entry and offset behind what is held.</summary>
internal readonly record struct LaneMark(int Number, EntryNumber Next, Offset NextOffset);

/// <summary>Whether a lane is wanted over this link; if so, the next entry wanted, and the offset behind what is held.</summary>
internal readonly record struct LaneFeed(int Number, bool On, EntryNumber Next, Offset NextOffset);

/// <summary>A lane in a list, its stream and origin by their numbers in the lists of the session; and what is behind what is
/// held.</summary>
internal readonly record struct ListedLane(int Stream, PartitionId Partition, int Origin, EntryNumber Next, Offset NextOffset);

/// <param name="Version">Of the protocol.</param>
/// <param name="Sender">Who calls.</param>
/// <param name="Target">Whom it means to reach: an address that now leads elsewhere is found out.</param>
/// <param name="Probe">Only a question before the start: lists its own lanes, wants <see cref="HoldsFrame"/>, and hangs up.</param>
internal sealed record HelloFrame(int Version, Origin Sender, ClusterName Target, bool Probe) : LinkFrame(FrameType.Hello);

/// <param name="Receiver">Who answers; rule R12 goes by its incarnation.</param>
/// <param name="Credit">How much the sender may send in all, until an <see cref="AckFrame"/> says more.</param>
/// <param name="Known">What it knows from earlier sessions with this sender.</param>
internal sealed record WelcomeFrame(Origin Receiver, long Credit, Remembered Known) : LinkFrame(FrameType.Welcome);

/// <summary>What a receiver knows of a sender's list from earlier sessions; all zero when nothing.</summary>
/// <param name="Life">The sender's name of the list.</param>
/// <param name="Lanes">How many lanes of it are known.</param>
/// <param name="Heads">Sequence of the last <see cref="HeadsFrame"/> taken in.</param>
/// <param name="Reach">How many names of clusters were taken in.</param>
/// <param name="State">Up to which revision of the sender's state all is joined.</param>
internal readonly record struct Remembered(ulong Life, int Lanes, long Heads, int Reach, long State);

internal sealed record RefusedFrame(string Reason) : LinkFrame(FrameType.Refused);

internal sealed record ReachFrame(IReadOnlyList<ClusterName> Names) : LinkFrame(FrameType.Reach);

/// <param name="Life">Names the sender's list: numbers of lanes and of names are its.</param>
/// <param name="First">Number of the first lane; the others follow.</param>
/// <param name="Streams">Paths that this frame is the first to use; they get the next numbers.</param>
/// <param name="Origins">Origins likewise.</param>
/// <param name="Lanes">The lanes.</param>
/// <param name="Last">Whether this ends the list of the start.</param>
internal sealed record LanesFrame(ulong Life, int First, IReadOnlyList<StreamPath> Streams, IReadOnlyList<Origin> Origins,
    IReadOnlyList<ListedLane> Lanes, bool Last) : LinkFrame(FrameType.Lanes);

internal sealed record FeedFrame(IReadOnlyList<LaneFeed> Lanes) : LinkFrame(FrameType.Feed);

internal sealed record HoldsFrame(IReadOnlyList<LaneHead> Lanes, bool Last) : LinkFrame(FrameType.Holds);

internal sealed record StateFrame(IReadOnlyList<StateItem> Items) : LinkFrame(FrameType.State);

/// <param name="Revision">Up to which revision of the sender's state all has been sent; a number of the life of its list.</param>
internal sealed record StateEndFrame(long Revision) : LinkFrame(FrameType.StateEnd);

internal sealed record EntryFrame(int Number, LaneEntry Entry) : LinkFrame(FrameType.Entry);

internal sealed record SkipFrame(int Number, EntryNumber First, Offset FirstOffset) : LinkFrame(FrameType.Skip);

/// <param name="Sequence">1, 2, 3, …: the first one behind the lists says that the session has begun.</param>
/// <param name="Marks">The lanes that changed.</param>
internal sealed record HeadsFrame(long Sequence, IReadOnlyList<LaneMark> Marks) : LinkFrame(FrameType.Heads);

/// <param name="Number">The lane.</param>
/// <param name="From">The next entry wanted.</param>
/// <param name="UpTo">The entry that was ahead: what lies before it goes out, path or not.</param>
internal sealed record AskFrame(int Number, EntryNumber From, EntryNumber UpTo) : LinkFrame(FrameType.Ask);

/// <param name="Credit">How much the sender may send in all since the session began; never falls.</param>
/// <param name="Level">Sequence of the last <see cref="HeadsFrame"/> with which the receiver was level.</param>
/// <param name="Marks">The lanes that moved, flushed.</param>
internal sealed record AckFrame(long Credit, long Level, IReadOnlyList<LaneMark> Marks) : LinkFrame(FrameType.Ack);

internal sealed record LaneRefusedFrame(int Number, string Reason) : LinkFrame(FrameType.LaneRefused);

internal sealed record FetchFrame(LaneId Lane, EntryNumber From, int MaxBytes) : LinkFrame(FrameType.Fetch);

internal sealed record FetchEntryFrame(LaneEntry Entry) : LinkFrame(FrameType.FetchEntry);

/// <param name="First">The next entry that is there, when the one asked for is not; else 0.</param>
/// <param name="FirstOffset">Offset of its first event.</param>
/// <param name="Why">Why the one asked for is not there.</param>
internal sealed record FetchEndFrame(EntryNumber First, Offset FirstOffset, FetchGap Why = FetchGap.NotKept)
    : LinkFrame(FrameType.FetchEnd);

/// <summary>Why an entry that was asked for is not given, though later ones could be.</summary>
internal enum FetchGap : byte
{
    /// <summary>Retention took it, or the copy begins behind it.</summary>
    NotKept = 0,

    /// <summary>It was declared lost.</summary>
    Lost = 1,

    /// <summary>It is damaged, and whether it is lost is not decided yet; the offset is not told.</summary>
    Damaged = 2,
}

/// <summary>Entries of a lane that the sender does not have and that nobody gave it: the lane goes on behind them, at the same numbers and
/// offsets.</summary>
/// <param name="Number">The lane.</param>
/// <param name="First">The first of them.</param>
/// <param name="Next">The entry behind the last of them.</param>
/// <param name="NextOffset">Offset behind their events.</param>
internal sealed record LostFrame(int Number, EntryNumber First, EntryNumber Next, Offset NextOffset) : LinkFrame(FrameType.Lost);

internal sealed record PingFrame() : LinkFrame(FrameType.Ping);

internal sealed record PongFrame() : LinkFrame(FrameType.Pong);
