using Streams.Core;

namespace Streams.Gateways;

/// <summary>What a reader of one partition asks while it decides: all of it answered at once, from memory, without waiting.</summary>
public interface IPartitionView
{
    /// <summary>All copies of these events in the lanes of the partition that this cluster knows of, flushed or removed by retention
    /// (rules R8, R10),
    /// the ones asked about included: a batch held in part is appended whole (rule R6), so twins may even stand in one lane.</summary>
    IReadOnlyList<HeldRun> Copies(SequenceRun run);

    /// <summary>Whether some route of links brings lanes of this cluster here; always true of this cluster itself.</summary>
    bool Reaches(ClusterName origin);

    /// <summary>Whether nothing more of this lane can arrive (rule R15).</summary>
    bool IsExhausted(Origin origin);

    /// <summary>Offset behind the last flushed event of this lane that is here; 0 when nothing of it is.</summary>
    Offset NextOffset(Origin origin);
}

/// <summary>Which events a reader is for.</summary>
public interface IEventFilter
{
    /// <summary>Whether the event is wanted. Called in the order of the lane, before anything is decided about the event; must not
    /// allocate
    /// for events that are not wanted.</summary>
    /// <param name="origin">The lane.</param>
    /// <param name="offset">The event's offset.</param>
    /// <param name="topic">UTF-8 of its topic.</param>
    bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic);
}
