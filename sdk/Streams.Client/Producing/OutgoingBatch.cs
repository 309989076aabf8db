using Streams.Core;

namespace Streams.Client;

/// <summary>A batch as the machine decided it: which events, behind which, after what. The bytes are made by the sender.</summary>
/// <param name="Session">The session it belongs to; an answer counts only in that one.</param>
/// <param name="Partition">The partition.</param>
/// <param name="First">Identity of the first event; the others follow.</param>
/// <param name="Last">Sequence of the last event.</param>
/// <param name="Predecessor">What was sent before it in this session (rule R2), or zeros.</param>
/// <param name="After">What a consumer must have passed before (rules R4, R5).</param>
/// <param name="MayHaveTwins">Whether some of it was sent before in another session without an answer (rule R18).</param>
internal sealed record OutgoingBatch(long Session, StreamPartition Partition, EventIdentity First, long Last,
    (ulong Epoch, long Sequence) Predecessor, AfterVector After, bool MayHaveTwins)
{
    /// <summary>How many events.</summary>
    public int Count => (int)(Last - First.Sequence + 1);
}

/// <summary>Events that a cluster was found to hold, flushed: the outbox may let them go.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Epoch">Their epoch.</param>
/// <param name="Placed">Their sequences and where they stand.</param>
internal readonly record struct ConfirmedRun(StreamPartition Partition, ulong Epoch, PlacedRun Placed);
