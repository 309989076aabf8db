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

    /// <summary>S: the lanes it holds; numbers them in order of mention.</summary>
    Lanes = 5,

    /// <summary>R: for each lane listed, the next entry wanted (rule R13).</summary>
    Wants = 6,

    /// <summary>R: lanes of the sender's own name of which it holds more than was listed (rule R14).</summary>
    Holds = 7,

    /// <summary>S: joined state (rule R16).</summary>
    State = 8,

    /// <summary>S: the whole state was sent.</summary>
    StateEnd = 9,

    /// <summary>S: a lane that came up after the list, and its number.</summary>
    Lane = 10,

    /// <summary>S: an entry.</summary>
    Entry = 11,

    /// <summary>S: entries before this one are no longer kept.</summary>
    Skip = 12,

    /// <summary>S: how far the sender holds the lanes that changed.</summary>
    Heads = 13,

    /// <summary>R: begin this lane again from here (rule R13).</summary>
    Ask = 14,

    /// <summary>R: how far lanes are flushed here; and the credit.</summary>
    Ack = 15,

    /// <summary>R: nothing of this lane is taken in this session, and why.</summary>
    LaneRefused = 16,

    /// <summary>S: wants entries of its own lane back (rule R14).</summary>
    Fetch = 17,

    /// <summary>R: an entry asked back.</summary>
    FetchEntry = 18,

    /// <summary>R: the end of an answer to <see cref="Fetch"/>.</summary>
    FetchEnd = 19,

    /// <summary>Both: is anybody there?</summary>
    Ping = 20,

    /// <summary>Both: yes.</summary>
    Pong = 21,
}
