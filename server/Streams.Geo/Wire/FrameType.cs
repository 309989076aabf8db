namespace Streams.Geo;

/// <summary>What a frame is. S: sent by the sender of the link, R: by its receiver.</summary>
internal enum FrameType : byte
{
    /// <summary>S: who calls, and whom it means to reach.</summary>
    Hello = 1,

    /// <summary>R: who answers, and the first credit.</summary>
    Welcome = 2,

    /// <summary>R: no link, and why. The connection is closed behind it.</summary>
    Refused = 3,

    /// <summary>S: clusters whose lanes come to the sender.</summary>
    Reach = 4,

    /// <summary>S: the lanes it holds, at the start and later; numbers them in order of mention.</summary>
    Lanes = 5,

    /// <summary>R: lanes whose entries are wanted over this link, and from which on (rule R13), or are no longer.</summary>
    Feed = 6,

    /// <summary>R: lanes of the sender's own name of which it holds more than was listed (rule R14).</summary>
    Holds = 7,

    /// <summary>S: joined state (rule R16).</summary>
    State = 8,

    /// <summary>S: the whole state was sent.</summary>
    StateEnd = 9,

    /// <summary>S: an entry.</summary>
    Entry = 10,

    /// <summary>S: entries before this one are no longer kept.</summary>
    Skip = 11,

    /// <summary>S: how far the sender holds the lanes that changed.</summary>
    Heads = 12,

    /// <summary>R: begin this lane again from here (rule R13).</summary>
    Ask = 13,

    /// <summary>R: how far lanes are flushed here; and the credit.</summary>
    Ack = 14,

    /// <summary>R: nothing of this lane is taken in this session, and why.</summary>
    LaneRefused = 15,

    /// <summary>S: wants entries of its own lane back (rule R14).</summary>
    Fetch = 16,

    /// <summary>R: an entry asked back.</summary>
    FetchEntry = 17,

    /// <summary>R: the end of an answer to <see cref="Fetch"/>.</summary>
    FetchEnd = 18,

    /// <summary>Both: is anybody there?</summary>
    Ping = 19,

    /// <summary>Both: yes.</summary>
    Pong = 20,

    /// <summary>S: entries are lost; the lane goes on behind them.</summary>
    Lost = 21,
}
