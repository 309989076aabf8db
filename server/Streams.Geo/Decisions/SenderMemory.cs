using Streams.Core;

namespace Streams.Geo;

/// <summary>What the sending side of a link keeps over sessions: the numbers of lanes, and what the other side was told of them. One
/// session uses it at a time.</summary>
internal sealed class SenderMemory
{
    /// <param name="life">Names this memory, so that a receiver can say which one it knows: never used twice.</param>
    public SenderMemory(ulong life)
    {
        Life = life;
        Book = new ListBook(Lanes);
    }

    /// <summary>The name of what is remembered; another one after <see cref="Forget"/>.</summary>
    public ulong Life { get; private set; }

    /// <summary>Who this was when it was remembered.</summary>
    public Origin Self { get; private set; }

    /// <summary>Whom it was told.</summary>
    public Origin Peer { get; private set; }

    public LaneTable<SentLane> Lanes { get; private set; } = new();

    public ListBook Book { get; private set; }

    /// <summary>Sequence of the last <see cref="HeadsFrame"/>.</summary>
    public long HeadsSequence { get; set; }

    /// <summary>Whether the list goes on where the receiver knows it.</summary>
    public bool Fits(in Remembered known, Origin self, Origin peer) => known.Life != 0 && known.Life == Life && Self == self && Peer == peer
        && known.Lanes <= Lanes.Count && known.Heads <= HeadsSequence;

    /// <summary>Begins a session with a receiver that knows the list so far: lanes behind it are listed again, with the names that they
    /// are the first to use; what was of the last session is forgotten.</summary>
    public void Resume(in Remembered known)
    {
        Book.Clear();
        for (int i = 0; i < Lanes.Count; i++)
        {
            Lanes[i].EndSession();
            if (i < known.Lanes)
            {
                Book.Note(i);
            }
        }
    }

    /// <summary>Begins anew under another name.</summary>
    public void Forget(Origin self, Origin peer)
    {
        Life = unchecked((Life * 6364136223846793005) + 1442695040888963407);
        Lanes = new LaneTable<SentLane>();
        Book = new ListBook(Lanes);
        HeadsSequence = 0;
        (Self, Peer) = (self, peer);
    }
}

/// <summary>What the sender keeps of a lane: 88 bytes. All but the head and what was told of it is of one session.</summary>
internal struct SentLane
{
    /// <summary>The next entry to send.</summary>
    public long Pos;
    public long PosOffset;

    /// <summary>Entries before it go out whether or not the path names the receiver (rule R13).</summary>
    public long Asked;

    /// <summary>Behind the last flushed entry (rule R1).</summary>
    public long Head;
    public long HeadOffset;

    /// <summary>Behind the last entry that the receiver has flushed, or that is not offered to it.</summary>
    public long Acked;
    public long AckedOffset;

    /// <summary>Behind the last entry that was sent.</summary>
    public long Sent;

    /// <summary>The head that was told last, and in which <see cref="HeadsFrame"/>; 0 for the list.</summary>
    public long Told;
    public long ToldIn;
    public SentLaneFlags Flags;

    public readonly long LagEvents => (Flags & (SentLaneFlags.Fed | SentLaneFlags.Refused)) == SentLaneFlags.Fed
        ? Math.Max(0, HeadOffset - AckedOffset) : 0;

    /// <summary>Forgets what was of a session.</summary>
    public void EndSession()
    {
        Pos = PosOffset = Asked = Acked = AckedOffset = Sent = 0;
        Flags = SentLaneFlags.None;
    }
}

[Flags]
internal enum SentLaneFlags : byte
{
    None = 0,
    Ready = 1,
    Dirty = 2,
    Gap = 4,
    Refused = 8,

    /// <summary>The receiver wants its entries over this link.</summary>
    Fed = 16,
}
