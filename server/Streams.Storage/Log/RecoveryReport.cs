namespace Streams.Storage;

/// <summary>A run of log bytes that could not be read when the container was opened.</summary>
/// <param name="Segment">The segment's file name.</param>
/// <param name="Offset">Where in the file it begins.</param>
/// <param name="Bytes">How long it is.</param>
/// <param name="Reason">Why it could not be read.</param>
/// <param name="Position">Where in the log it begins.</param>
public readonly record struct UnreadableRange(string Segment, long Offset, long Bytes, string Reason, long Position);

/// <summary>What opening a container found and did.</summary>
public sealed class RecoveryReport
{
    /// <summary>Bytes cut from the tail: a write that was under way when the process or the machine stopped. Nothing in them was
    /// acknowledged.</summary>
    public long CutBytes { get; internal set; }

    /// <summary>Where and why the tail was cut; empty when it was not.</summary>
    public string CutDetail { get; internal set; } = string.Empty;

    /// <summary>Damage to what had been flushed: records in these ranges are lost here, and can be fetched again only from another
    /// cluster.</summary>
    public IReadOnlyList<UnreadableRange> Unreadable { get; internal set; } = [];

    /// <summary>Records read from the log.</summary>
    public long RecordsRead { get; internal set; }

    /// <summary>Segments whose index file was good, so that their bodies were not read.</summary>
    public int SegmentsFromIndex { get; internal set; }

    /// <summary>Why the derived state was rebuilt from the log; empty when the state file was used.</summary>
    public string StateRebuilt { get; internal set; } = string.Empty;

    /// <summary>Whether the state file shows that the log once had more than it has: it was rolled back, or lost its end.</summary>
    public bool LogLostItsEnd { get; internal set; }

    /// <summary>Whether offsets that were acknowledged may have been in what is lost, so that the old incarnation must not be continued
    /// (rules R14, R15): open a new one before writing.</summary>
    public bool NeedsNewIncarnation => IsDamagedBehind(0);

    /// <summary>The same for an incarnation that was opened when the log ended at a position: none of its entries stands before. So damage
    /// that stays costs one incarnation, not one at each start.</summary>
    public bool IsDamagedBehind(long position) => LogLostItsEnd || Unreadable.Any(r => r.Position + r.Bytes > position);
}
