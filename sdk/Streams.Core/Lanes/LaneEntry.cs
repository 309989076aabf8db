namespace Streams.Core;

/// <summary>What a lane entry holds.</summary>
public enum EntryKind : byte
{
    /// <summary>A batch of events; the body is an <see cref="EventBatch"/>.</summary>
    Events = 1,

    /// <summary>The first entry of every lane: a new incarnation announces itself, and closes all earlier ones of its name (rule R15).
    /// Empty body.</summary>
    Opened = 2,

    /// <summary>Where consumers are; the body is a <see cref="CursorCommits"/>.</summary>
    Cursors = 3,

    /// <summary>Topics that got their first event; the body is a <see cref="TopicFacts"/>.</summary>
    Topics = 4,

    /// <summary>Settings and sessions, last writer wins; the body is a <see cref="RegisterFacts"/>.</summary>
    Registers = 5,
}

/// <summary>One entry of a lane as it is stored and as it crosses links: a head beside a body whose bytes never change.</summary>
public sealed class LaneEntry
{
    /// <summary>Entry number, by which the lane replicates.</summary>
    public required EntryNumber Number { get; init; }

    /// <summary>What the body is.</summary>
    public required EntryKind Kind { get; init; }

    /// <summary>Offset of the first event of the body, or of the next event in the lane when it holds none.</summary>
    public required Offset BaseOffset { get; init; }

    /// <summary>Events in the body; 0 for all kinds but <see cref="EntryKind.Events"/>.</summary>
    public required int EventCount { get; init; }

    /// <summary>When the origin appended it, by its clock: microseconds since 1970. For people and for seeking by time; never for
    /// order.</summary>
    public required long AppendedAt { get; init; }

    /// <summary>What must be passed first (rule R5).</summary>
    public AfterVector After { get; init; } = AfterVector.Empty;

    /// <summary>The clusters passed, this one included.</summary>
    public required ReplicationPath Path { get; init; }

    /// <summary>The body.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Offset behind the last event.</summary>
    public Offset NextOffset => BaseOffset + EventCount;

    /// <summary>The same entry with one more cluster on its path.</summary>
    public LaneEntry PassedTo(Origin cluster) => new()
    {
        Number = Number,
        Kind = Kind,
        BaseOffset = BaseOffset,
        EventCount = EventCount,
        AppendedAt = AppendedAt,
        After = After,
        Path = Path.Append(cluster),
        Body = Body,
    };
}
