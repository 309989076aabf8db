namespace Streams.Core;

/// <summary>What makes two copies the same event (rule R7), inside one partition: producer, epoch of its outbox, sequence.</summary>
/// <param name="Producer">The producer for its whole life.</param>
/// <param name="Epoch">Random id of one opening of the outbox.</param>
/// <param name="Sequence">From 1, contiguous for each producer and partition.</param>
public readonly record struct EventIdentity(ProducerId Producer, ulong Epoch, long Sequence)
{
    /// <summary>Text form <c>producer/epoch:sequence</c>.</summary>
    public override string ToString() => $"{Producer}/{Epoch:x16}:{Sequence}";
}

/// <summary>A run of consecutive sequences of one producer epoch: what a batch, a hole in memory or a delivery covers.</summary>
/// <param name="Producer">The producer for its whole life.</param>
/// <param name="Epoch">Random id of one opening of the outbox.</param>
/// <param name="First">First sequence, inclusive.</param>
/// <param name="Last">Last sequence, inclusive.</param>
public readonly record struct SequenceRun(ProducerId Producer, ulong Epoch, long First, long Last);

/// <summary>Where an event stands: a lane and an offset in it.</summary>
public readonly record struct EventPlace(Origin Origin, Offset Offset)
{
    /// <summary>Text form <c>sj.0192f3ab4c5d6e7f:42</c>.</summary>
    public override string ToString() => $"{Origin}:{Offset}";
}

/// <summary>What a cluster holds of a producer in one lane (rules R1, R3): a run of sequences that stand at consecutive offsets.</summary>
/// <param name="Run">The sequences held, flushed.</param>
/// <param name="Origin">The lane they stand in.</param>
/// <param name="FirstOffset">Offset of the run's first event; the others follow without a gap.</param>
public readonly record struct HeldRun(SequenceRun Run, Origin Origin, Offset FirstOffset)
{
    /// <summary>Offset of the run's last event.</summary>
    public Offset LastOffset => FirstOffset + (Run.Last - Run.First);
}
