using Streams.Core;

namespace Streams.Client;

/// <summary>Where a producer's events wait until a cluster holds them: a file, or memory.</summary>
internal interface IWaitingEvents : IDisposable
{
    /// <summary>The producer.</summary>
    ProducerId Producer { get; }

    /// <summary>The epoch in which events get their sequences now (rule R7).</summary>
    ulong Epoch { get; }

    /// <summary>What waited when this opened.</summary>
    IReadOnlyList<RestoredPartition> Restored { get; }

    /// <summary>Sets who is told of new events: <paramref name="appended"/> with them, in order, before they may be sent;
    /// <paramref name="woken"/> that <see cref="Collect"/> has something.</summary>
    void Tell(Action<IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)>> appended, Action woken);

    /// <summary>Whether events wait that have no sequence yet, and get one when <see cref="IsSending"/> is set.</summary>
    bool HasStaged { get; }

    /// <summary>Whether a session is open.</summary>
    bool IsSending { set; }

    /// <summary>The sender has nothing more to send: whoever holds new events back to make fuller batches of them tells of some
    /// now.</summary>
    /// <param name="inFlight">Batches under way.</param>
    void Collect(int inFlight);

    /// <summary>Takes events from <paramref name="first"/> on for the next batch, as many as <paramref name="maxBytes"/> hold, at least
    /// one; gives the last. Used by the sender alone, as are the next two.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="first">The first event.</param>
    /// <param name="last">Sequence of the last one wanted.</param>
    /// <param name="maxBytes">Most bytes of the batch; an event that alone is greater makes a batch of one.</param>
    /// <param name="bodyBytes">Bytes of the batch's body before compression; about as many when it is a part of one made earlier.</param>
    /// <param name="oneTopic">Whether all of them have the same topic.</param>
    /// <exception cref="StorageFailedException">They cannot be read now.</exception>
    /// <exception cref="UnreadableEventException">The first of them is damaged: to be given up, and set aside here.</exception>
    long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic);

    /// <summary>The batch of what was read, written behind <paramref name="output"/>'s end; gives its head.</summary>
    BatchHeader Write(OutgoingBatch batch, BatchCompression compression, System.Buffers.IBufferWriter<byte> output);

    /// <summary>What was read is not sent after all.</summary>
    void Drop();

    /// <summary>A cluster told how many partitions a stream has.</summary>
    ValueTask LearnAsync(StreamPath stream, int partitions);

    /// <summary>A cluster holds these; in <paramref name="touched"/> the places of <paramref name="standOf"/> may have changed.</summary>
    ValueTask ConfirmAsync(List<ConfirmedRun> confirmed, IReadOnlyList<StreamPartition> touched,
        Func<StreamPartition, IReadOnlyList<EventPlace>> standOf);

    /// <summary>A cluster refused these for good.</summary>
    ValueTask ParkAsync(ClusterName cluster, StreamPartition partition, long first, long last, string reason);

    /// <summary>These could not be read, and are not sent any more.</summary>
    ValueTask SetAsideAsync(StreamPartition partition, UnreadableEventException unreadable);
}
