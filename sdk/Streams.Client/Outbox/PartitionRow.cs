using Streams.Core;

namespace Streams.Client;

/// <summary>A partition as the outbox keeps it. Changed by the writer alone.</summary>
internal sealed class PartitionRow(long id, StreamPartition partition)
{
    /// <summary>Its number in the file.</summary>
    public long Id => id;

    /// <summary>The partition.</summary>
    public StreamPartition Partition => partition;

    /// <summary>The next sequence.</summary>
    public long Next { get; set; } = 1;

    /// <summary>Events with a sequence that wait.</summary>
    public long Events { get; set; }

    /// <summary>Bytes that they count.</summary>
    public long Bytes { get; set; }

    /// <summary>Whether it got events under this opening's epoch already.</summary>
    public bool HasEpoch { get; set; }

    /// <summary>Whether the file has a second copy of which partition its number stands for.</summary>
    public bool HasCopy { get; set; }

    /// <summary>What is staged behind them.</summary>
    public StageCounts Stage { get; set; } = new(1, 0, 0);

    /// <summary>Its state before the running transaction, or <see langword="null"/> when that has not touched it.</summary>
    public (long Next, long Events, long Bytes, bool HasEpoch, StageCounts Stage)? Before { get; set; }
}

/// <summary>What a partition has staged: events, and gaps, that have no sequence yet.</summary>
/// <param name="Next">The next number in the stage.</param>
/// <param name="Rows">How many.</param>
/// <param name="Bytes">What they count.</param>
internal readonly record struct StageCounts(long Next, long Rows, long Bytes);
