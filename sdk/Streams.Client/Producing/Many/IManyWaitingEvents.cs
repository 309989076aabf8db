using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>Where the events of many producers wait until a cluster holds them: the port of <see cref="ManyProducerSender"/>.</summary>
/// <remarks>For each producer and partition sequences begin at 1 and only rise, and events of one epoch follow each other (rule R7). What
/// is told, by <see cref="Restored"/> or <see cref="Tell"/>, is on stable storage, or as safe as it will ever be.</remarks>
internal interface IManyWaitingEvents : IDisposable
{
    /// <summary>The producers with something waiting when this opened; asked for once, before <see cref="Tell"/>. Any of it counts as sent
    /// before (rule R18).</summary>
    IEnumerable<RestoredProducer> Restored { get; }

    /// <summary>Sets who is told of new events, and of those that came since <see cref="Restored"/> was asked for: one call after the
    /// other, in the order of the sequences, before they may be read. The call neither waits nor throws.</summary>
    void Tell(Action<IReadOnlyList<ArrivedRun>> arrived);

    /// <summary>Where earlier events of a producer stand (rule R5), the latest learnt last: what <see cref="ConfirmAsync"/> has told. Asked
    /// for within the call that tells of new events, when nothing of the producer has waited for a while. Empty when nothing is
    /// known.</summary>
    IReadOnlyList<EventPlace> Stand(ProducerId producer, StreamPartition partition);

    /// <summary>Takes events from <paramref name="first"/> on, which names the producer, for the next batch: as many as
    /// <paramref name="maxBytes"/> hold, at least one; gives the last. Used by the sender alone, as are the next two.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="first">The first event.</param>
    /// <param name="last">Sequence of the last one wanted.</param>
    /// <param name="maxBytes">Most bytes of the batch; an event that alone is greater makes a batch of one.</param>
    /// <param name="bodyBytes">Bytes of the batch's body before compression.</param>
    /// <param name="oneTopic">Whether all of them have the same topic.</param>
    /// <exception cref="StorageFailedException">They cannot be read: the producer rests for a while, the others go on.</exception>
    long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic);

    /// <summary>What must be passed before what was read last (rule R5), beside where the sender knows earlier events of the producer to
    /// stand: what its events came with.</summary>
    AfterVector After => AfterVector.Empty;

    /// <summary>The batch of what was read, written behind <paramref name="output"/>'s end; gives its head.</summary>
    BatchHeader Write(OutgoingBatch batch, BatchCompression compression, IBufferWriter<byte> output);

    /// <summary>What was read is not sent after all.</summary>
    void Drop();

    /// <summary>A cluster told how many partitions a stream has.</summary>
    ValueTask LearnAsync(StreamPath stream, int partitions);

    /// <summary>A cluster holds these: they wait no longer, and from now on the producers' events stand where it says, both in one
    /// transaction. One call after the other; completes when <see cref="Stand"/> would tell it, durable or not: after a crash they wait
    /// again, and the cluster tells again.</summary>
    ValueTask ConfirmAsync(IReadOnlyList<ConfirmedProducer> confirmed);

    /// <summary>A cluster refused these for good: they wait no longer, and are kept or told elsewhere.</summary>
    ValueTask ParkAsync(ProducerId producer, ClusterName cluster, StreamPartition partition, long first, long last, string reason);
}

/// <summary>A producer with something waiting when its store was opened.</summary>
/// <param name="Producer">The producer.</param>
/// <param name="Partitions">Its partitions, those with something waiting.</param>
internal sealed record RestoredProducer(ProducerId Producer, IReadOnlyList<RestoredPartition> Partitions);

/// <summary>Events that have come, consecutive and of one epoch.</summary>
/// <param name="Producer">Their producer.</param>
/// <param name="Partition">Their partition.</param>
/// <param name="Epoch">The epoch in which they got their sequences (rule R7).</param>
/// <param name="First">The first sequence.</param>
/// <param name="Last">The last sequence.</param>
/// <param name="Bytes">What they count, about.</param>
internal readonly record struct ArrivedRun(ProducerId Producer, StreamPartition Partition, ulong Epoch, long First, long Last, long Bytes);

/// <summary>What a cluster was found to hold of one producer.</summary>
/// <param name="Producer">The producer.</param>
/// <param name="Runs">The events; may be empty when only places are new.</param>
/// <param name="Stands">For each partition concerned: where the producer's events stand now (rule R5), the latest learnt last. Takes the
/// place of what was told before.</param>
internal sealed record ConfirmedProducer(ProducerId Producer, List<ConfirmedRun> Runs,
    List<(StreamPartition Partition, IReadOnlyList<EventPlace> Places)> Stands);
