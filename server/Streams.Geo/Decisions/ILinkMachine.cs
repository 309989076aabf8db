using Streams.Core;

namespace Streams.Geo;

/// <summary>One side of a link session as decisions alone: frames and answers in, actions out; no clock, no task, no disk. A machine
/// lives for one connection: what an older session said can not reach it (rule R13). Not safe for several threads.</summary>
internal interface ILinkMachine
{
    /// <summary>The largest body that the other side may send now.</summary>
    int MaxBodyBytes { get; }

    /// <summary>The other side, once it has named itself.</summary>
    Origin? Peer { get; }

    /// <summary>Takes a frame. Frames out of order make the machine hang up.</summary>
    void Receive(LinkFrame frame);

    /// <summary>The next thing to do, if there is one now. What waits stays small however much there is to send: it is made when asked
    /// for.</summary>
    bool TryNext(out LinkAction? action);

    /// <summary>Any lanes of the store may have grown.</summary>
    void Refresh();

    /// <summary>Tells the time: of one clock for all machines of a cluster, never going back. To be called every 100 to 250 ms; what waits
    /// for time waits for this.</summary>
    void Tick(TimeSpan now);

    /// <summary>The connection is over, however it ended: nothing more is taken in, and what the machine held of what links share is given
    /// back. May be called again.</summary>
    void End();

    /// <summary>Entries were read; adds the frames to send at once.</summary>
    void OnRead(ReadLane request, IReadOnlyList<LaneEntry> entries, List<LinkFrame> frames);

    /// <summary>What was to be read is damaged here, and was declared lost or not; adds the frames to send at once.</summary>
    void OnDamaged(ReadLane request, string reason, LostRun? lost, List<LinkFrame> frames);

    /// <summary>State was read; <paramref name="revision"/> is what the store gave when the reading began.</summary>
    void OnState(ReadState request, IReadOnlyList<StateItem> items, bool last, long revision);

    /// <summary>Entries were taken, or not.</summary>
    void OnIngested(IngestEntries request, IngestResult result);

    /// <summary>The store will never take these entries.</summary>
    void OnRefused(IngestEntries request, string reason);

    /// <summary>The lane goes on behind what was lost, or does not: entries before it are missing, or it does not fit what is
    /// here.</summary>
    void OnTakenOut(TakeOutEntries request, IngestResult result);

    /// <summary>The copy of the lane begins behind the gap.</summary>
    void OnSkipped(SkipLane request);

    /// <summary>State was joined.</summary>
    void OnJoined(JoinState request);
}
