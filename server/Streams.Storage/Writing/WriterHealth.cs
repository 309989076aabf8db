namespace Streams.Storage;

/// <summary>What happened to the writer.</summary>
internal enum WriterEvent
{
    /// <summary>The disk had no room; what was begun is taken back for certain.</summary>
    NoRoom,

    /// <summary>The disk refused anything else, or a flush whatever the reason: what is there is unknown.</summary>
    Refused,

    /// <summary>The time has come to try again.</summary>
    TimeCame,

    /// <summary>There is room again, or the log was verified and has a new segment.</summary>
    Mended,
}

/// <summary>Whether the writer writes, and when it looks again. Pure: from what was and what happened to what is.</summary>
/// <param name="Phase">Where it is.</param>
/// <param name="Failures">Failures one soon after the other.</param>
/// <param name="Since">When it came here.</param>
/// <param name="NextTry">When it looks again; counts only while it waits.</param>
internal readonly record struct WriterHealth(WritePhase Phase, int Failures, TimeSpan Since, TimeSpan NextTry)
{
    /// <summary>A look for room writes up to a group's bytes: once a second costs a full disk nothing.</summary>
    public static readonly TimeSpan RoomPause = TimeSpan.FromSeconds(1);

    /// <summary>Each verification reads the end of the log and may begin a segment: a disk that fails again and again must not be filled
    /// with them.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    /// <summary>An operator who changed the disk does not wait longer than this.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    /// <summary>A writer that worked so long has left its earlier failures behind.</summary>
    public static readonly TimeSpan Calm = TimeSpan.FromSeconds(60);

    /// <summary>Whether it is time to look again.</summary>
    public bool IsDue(TimeSpan now) => Phase is WritePhase.Full or WritePhase.Failed && now >= NextTry;

    public WriterHealth After(WriterEvent what, TimeSpan now) => (Phase, what) switch
    {
        (WritePhase.Writing, WriterEvent.NoRoom) or (WritePhase.Verifying, WriterEvent.NoRoom) =>
            new(WritePhase.Full, Failures, now, now + RoomPause),
        (WritePhase.Full, WriterEvent.NoRoom) => this with { NextTry = now + RoomPause },
        (WritePhase.Failed, WriterEvent.NoRoom) => this,          // only what was verified can be merely full
        (WritePhase.Writing, WriterEvent.Refused) => Fail(now - Since >= Calm ? 1 : Failures + 1, now),
        (WritePhase.Failed, WriterEvent.Refused) => this,
        (_, WriterEvent.Refused) => Fail(Failures + 1, now),
        (WritePhase.Failed, WriterEvent.TimeCame) => this with { Phase = WritePhase.Verifying },
        (_, WriterEvent.TimeCame) => this,
        (WritePhase.Failed, WriterEvent.Mended) => this,          // not without having been verified
        (WritePhase.Writing, _) => this,
        _ => new(WritePhase.Writing, Failures, now, default),
    };

    // The first time at once: one refusal may be all there is.
    private WriterHealth Fail(int failures, TimeSpan now) =>
        new(WritePhase.Failed, failures, Phase == WritePhase.Verifying ? Since : now, now + Pause(failures));

    private static TimeSpan Pause(int failures) => failures <= 1 ? TimeSpan.Zero
        : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(10, failures - 2)));
}
