using Streams.Core;

namespace Streams.Geo;

/// <summary>What all incoming links of a cluster share: which of them feeds which lane, and what each sender has told, over its sessions.
/// Safe for use by many threads.</summary>
internal sealed class IncomingMemory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterName, ReceiverMemory> _senders = [];

    public LaneFeeds Feeds { get; } = new();

    /// <summary>What this sender told, for the one session that uses it now; empty when nothing is remembered, when another session has
    /// it, or when either side is another incarnation now.</summary>
    public ReceiverMemory Take(Origin self, Origin peer)
    {
        lock (_gate)
        {
            return _senders.Remove(peer.Cluster, out ReceiverMemory? kept) && kept.Self == self && kept.Peer == peer ? kept
                : new ReceiverMemory(self, peer);
        }
    }

    /// <summary>Keeps it for the sender's next session.</summary>
    public void Keep(ReceiverMemory memory)
    {
        lock (_gate)
        {
            _senders[memory.Peer.Cluster] = memory;
        }
    }
}

/// <summary>What the receiving side of a link keeps over sessions: the sender's numbers of lanes, and what it told of them.</summary>
internal sealed class ReceiverMemory(Origin self, Origin peer)
{
    public Origin Self => self;

    public Origin Peer => peer;

    /// <summary>The sender's name of what is remembered; 0 when nothing is.</summary>
    public ulong Life { get; private set; }

    public LaneTable<HeardLane> Lanes { get; private set; } = new();

    /// <summary>Names by their numbers in the sender's lists.</summary>
    public List<StreamPath> Streams { get; } = [];

    /// <inheritdoc cref="Streams"/>
    public List<Origin> Origins { get; } = [];

    /// <summary>The last <see cref="HeadsFrame"/> taken in.</summary>
    public long HeadsSequence { get; set; }

    /// <summary>How many names of clusters were taken in.</summary>
    public int Reach { get; set; }

    /// <summary>Up to which revision of the sender's state all is joined, and flushed.</summary>
    public long State { get; set; }

    /// <summary>What the sender is told of it.</summary>
    public Remembered Known => Life == 0 ? default : new Remembered(Life, Lanes.Count, HeadsSequence, Reach, State);

    /// <summary>Forgets what was of a session.</summary>
    public void EndSession()
    {
        for (int i = 0; i < Lanes.Count; i++)
        {
            Lanes[i].Flags = HeardLaneFlags.None;
        }
    }

    /// <summary>Begins anew with a list that the sender gives this name.</summary>
    public void Begin(ulong life)
    {
        Life = life;
        Lanes = new LaneTable<HeardLane>();
        Streams.Clear();
        Origins.Clear();
        (HeadsSequence, State, Reach) = (0, 0, 0);
    }
}

/// <summary>What the receiver keeps of a lane: 24 bytes.</summary>
internal struct HeardLane
{
    /// <summary>Behind what the sender holds, as it said.</summary>
    public long Announced;
    public long AnnouncedOffset;

    /// <summary>Since when nothing has come of it, in milliseconds of the clock that ticks give; wraps around.</summary>
    public int Since;
    public HeardLaneFlags Flags;
}

[Flags]
internal enum HeardLaneFlags : byte
{
    None = 0,
    AckDue = 1,
    Refused = 2,

    /// <summary>This link feeds it.</summary>
    Fed = 4,

    /// <summary>The sender is to be told whether it feeds it.</summary>
    FeedDue = 8,

    /// <summary>Stands in the queue of lanes of which more was announced than is here.</summary>
    Behind = 16,

    /// <summary><see cref="HeardLane.Since"/> was set.</summary>
    Timed = 32,

    /// <summary>Entries of it came since it was last looked at.</summary>
    Moved = 64,
}
