using Streams.Core;

namespace Streams.Client;

/// <summary>One lane of a partition as a reader sees it (rule R19).</summary>
internal sealed class LaneState(Origin origin)
{
    /// <summary>The lane.</summary>
    public Origin Origin => origin;

    /// <summary>The next offset that is to come (R19b); events below it were given, passed or held back.</summary>
    public long Received { get; set; }

    /// <summary>What holds the lane's cursor back (R19d): held, or handed out and not acknowledged.</summary>
    public OpenOffsets Open { get; } = new();

    /// <summary>The one event in hand of a lane that stopped because the hold-back buffer was full (R19f).</summary>
    public HeldEvent? Stopped { get; set; }

    /// <summary>Whether the lane was asked for again and its deliveries have not begun to fit yet.</summary>
    public bool IsResuming { get; set; }

    /// <summary>Where the lane ends for good (R15), or <see langword="null"/>.</summary>
    public long? EndsAt { get; set; }

    /// <summary>Gaps received and not yet behind the cursor (R19d).</summary>
    public List<CursorJump> Jumps { get; } = [];

    /// <summary>Producers with a held event that waits for an offset of this lane, the lowest offset first.</summary>
    public PriorityQueue<HeldProducer, long> Awaiting { get; } = new();

    /// <summary>Whether its position may have changed since the cursor was computed.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether all that can ever arrive of it has been received (R15, R19c).</summary>
    public bool IsExhausted => Received >= EndsAt;

    /// <summary>Where its cursor may stand (R19d).</summary>
    public long Position => Math.Min(Received, Open.Lowest);

    /// <summary>A session begins at <paramref name="received"/>: nothing is held, stopped or ended.</summary>
    public void Reset(long received)
    {
        Received = received;
        Open.Clear();
        Stopped = null;
        IsResuming = false;
        EndsAt = null;
        Jumps.Clear();
        Awaiting.Clear();
    }
}
