using Streams.Core;

namespace Streams.Geo;

/// <summary>What links need of the store of this cluster. Safe for use by many threads. Only flushed entries are seen (rule R1): links ship
/// only what cannot un-happen.</summary>
public interface ILaneStore : ILaneHeads
{
    /// <summary>Reads flushed entries from <paramref name="from"/> on: at least one if there is one, else as many as fit
    /// <paramref name="maxBytes"/>.
    /// Empty when <paramref name="from"/> is no longer kept or not yet here.</summary>
    ValueTask<LaneSlice> ReadAsync(LaneId lane, EntryNumber from, int maxBytes, CancellationToken cancellationToken);

    /// <summary>Takes entries of a lane, in order, each only when the one before it is here (invariant 4); ones that are here are
    /// skipped. Their path is
    /// extended by this cluster. Completes when they are flushed. Calls for one lane are carried out in the order they were made.</summary>
    /// <remarks>The memory of the entries is not used again by the caller: the store may keep it.</remarks>
    ValueTask<IngestResult> IngestAsync(LaneId lane, IReadOnlyList<LaneEntry> entries, CancellationToken cancellationToken);

    /// <summary>The sender no longer keeps entries before <paramref name="first"/> (whose first event has
    /// <paramref name="firstOffset"/>): the copy begins, or begins
    /// again, there. Nothing happens when this cluster has the entry before it.</summary>
    ValueTask SkipToAsync(LaneId lane, EntryNumber first, Offset firstOffset, CancellationToken cancellationToken);

    /// <summary>Where a lane goes on behind an entry that was declared lost here; <see langword="null"/> when it was not. May read a page
    /// of an index.</summary>
    LostRun? Lost(LaneId lane, EntryNumber entry);

    /// <summary>The sender of a lane lost entries [<paramref name="first"/>, <paramref name="next"/>): the lane goes on behind them here
    /// too, at the same numbers and offsets. What is here of them stays; the rest is among <see cref="ILaneHeads.Damaged"/> from now on.
    /// Completes when that is flushed.</summary>
    ValueTask<IngestResult> TakeOutAsync(LaneId lane, EntryNumber first, EntryNumber next, Offset nextOffset,
        CancellationToken cancellationToken);

    /// <summary>Declares lost what of entries [<paramref name="first"/>, <paramref name="next"/>) is damaged or missing here: readers and
    /// links go on without it. It is taken all the same when somebody has it. Completes when that is flushed.</summary>
    ValueTask<IReadOnlyList<LostRun>> DeclareLostAsync(LaneId lane, EntryNumber first, EntryNumber next, string why,
        CancellationToken cancellationToken);

    /// <summary>What of the joined state changed since <paramref name="since"/>, as it is now (rule R16), in pieces; all of it since 0.
    /// More than changed may be given, never less.</summary>
    /// <param name="since">A revision that this store gave since it was made, or 0.</param>
    /// <param name="revision">Up to which all is given; at least 1.</param>
    IEnumerable<StateItem> State(long since, out long revision);

    /// <summary>Joins state; completes when it is flushed, with what of it changed something here (that is passed on, rule R16).</summary>
    ValueTask<IReadOnlyList<StateItem>> JoinAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken);

    /// <summary>Opens a new incarnation of this cluster, because a neighbour holds more of the own lanes than this one does, or knows of
    /// a later
    /// incarnation (rules R14, R15). <see cref="ILaneHeads.Origin"/> is the new one when it completes.</summary>
    ValueTask OpenIncarnationAsync(string reason, CancellationToken cancellationToken);

    /// <summary>Calls <paramref name="changed"/> after each flush that made lanes longer. On the store's thread: set a flag and return.
    /// Dispose to stop.</summary>
    IDisposable Watch(Action changed);
}
