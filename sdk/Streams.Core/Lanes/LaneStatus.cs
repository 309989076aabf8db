namespace Streams.Core;

/// <summary>What a cluster has of a lane, flushed (rule R1): entries [FirstEntry, NextEntry), events [FirstOffset, NextOffset).</summary>
/// <param name="Lane">The lane.</param>
/// <param name="FirstEntry">First entry kept; earlier ones were removed by retention or never came (a gap).</param>
/// <param name="NextEntry">Entry number behind the last flushed one.</param>
/// <param name="FirstOffset">Offset of the first event kept.</param>
/// <param name="NextOffset">Offset behind the last flushed event.</param>
/// <param name="Bytes">Bytes of the entries kept.</param>
public readonly record struct LaneStatus(LaneId Lane, EntryNumber FirstEntry, EntryNumber NextEntry, Offset FirstOffset,
    Offset NextOffset, long Bytes);

/// <summary>Consecutive flushed entries of a lane, as read from disk. Their bodies live in pooled memory until the slice is
/// disposed.</summary>
public sealed class LaneSlice(IReadOnlyList<LaneEntry> entries, IDisposable? memory = null) : IDisposable
{
    private IDisposable? _memory = memory;

    /// <summary>Nothing.</summary>
    public static readonly LaneSlice Empty = new([]);

    /// <summary>The entries, in order; empty at the end of the lane and where what was asked for is no longer kept.</summary>
    public IReadOnlyList<LaneEntry> Entries { get; } = entries;

    /// <summary>Gives the memory back; entries must not be used after it.</summary>
    public void Dispose() => Interlocked.Exchange(ref _memory, null)?.Dispose();
}
