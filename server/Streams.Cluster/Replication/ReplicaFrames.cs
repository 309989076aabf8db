namespace Streams.Cluster;

/// <summary>What replicas of a container send each other. Frames may be lost, come twice or in another order.</summary>
/// <param name="Epoch">The sender's epoch: a lower one than the receiver has promised is refused.</param>
public abstract record ReplicaFrame(long Epoch);

/// <summary>From the primary: records, or none as a sign of life.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Previous">The number before the first record.</param>
/// <param name="PreviousEpoch">In which epoch that was numbered; 0 for number 0.</param>
/// <param name="Last">The last record; <paramref name="Previous"/> when there is none.</param>
/// <param name="EntryEpoch">In which epoch all of these were numbered.</param>
/// <param name="Committed">Up to here everything is committed.</param>
public sealed record AppendFrame(long Epoch, long Previous, long PreviousEpoch, long Last, long EntryEpoch, long Committed)
    : ReplicaFrame(Epoch);

/// <summary>To the primary: the log is flushed and the same as its own up to a number.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Verified">The number.</param>
public sealed record AckFrame(long Epoch, long Verified) : ReplicaFrame(Epoch);

/// <summary>To the primary: the log has not the record that the frame builds upon.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Last">Where the log ends.</param>
/// <param name="Table">Its epochs.</param>
public sealed record DiffersFrame(long Epoch, long Last, EpochTable Table) : ReplicaFrame(Epoch);

/// <summary>To a primary of an old epoch: a later one has begun.</summary>
/// <param name="Epoch">The later one.</param>
public sealed record StaleFrame(long Epoch) : ReplicaFrame(Epoch);
