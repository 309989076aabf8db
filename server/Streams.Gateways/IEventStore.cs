using Streams.Core;

namespace Streams.Gateways;

/// <summary>The narrow waist: the few verbs through which every gateway (MQTT, HTTP, later Kafka) reaches the store of this
/// cluster.</summary>
/// <remarks>Safe for use by many threads. Whatever is answered, read or held is flushed to the stream's declared durability (rule R1,
/// invariant 3).
/// Errors are <see cref="StreamsException"/>s; expected outcomes are values.</remarks>
public interface IEventStore
{
    /// <summary>This cluster and the incarnation it writes under.</summary>
    Origin Origin { get; }

    /// <summary>All streams known here, in order of their paths.</summary>
    IReadOnlyList<StreamPath> Streams { get; }

    /// <summary>The settings of a stream, or <see langword="null"/> when it is not known here.</summary>
    StreamSettings? Settings(StreamPath stream);

    /// <summary>The settings of a stream, which is created with the defaults when it is not known here.</summary>
    ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken);

    /// <summary>Opens a producer's newest session; older ones are shut out from this moment on (rule R2).</summary>
    ProducerSession BeginProducer(ProducerId producer);

    /// <summary>The runs of a producer that are held, flushed, over all lanes of the partition and all epochs, and end at or behind
    /// <paramref name="from"/> (rules R1, R3).</summary>
    IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from);

    /// <summary>Takes a batch into the own lane; completes when it is flushed or refused (rules R2, R6). Waits while the store is
    /// saturated.</summary>
    ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        CancellationToken cancellationToken);

    /// <summary>Takes batches in their order, each as <see cref="ProduceAsync"/> does; a store that can writes and flushes them together.
    /// Their places in the order are taken before this returns. One answer for each, in their order.</summary>
    IReadOnlyList<Task<ProduceResult>> ProduceAll(IReadOnlyList<ProducedBatch> batches)
    {
        Task<ProduceResult>[] answers = new Task<ProduceResult>[batches.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            ProducedBatch each = batches[i];
            answers[i] = ProduceAsync(each.Session, each.Partition, each.After, each.Batch, CancellationToken.None).AsTask();
        }

        return answers;
    }

    /// <summary>Takes one event of a client without an outbox, as a batch of one; completes when it is flushed.</summary>
    /// <exception cref="TryAgainException">Not now.</exception>
    ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken);

    /// <summary>As <see cref="AppendPlainAsync"/>, and marks that the event was taken: both are flushed when it completes, and after a
    /// crash both are there or neither. The store itself looks whether the mark is there, so of two calls that race one appends.</summary>
    /// <param name="partition">The partition of the event.</param>
    /// <param name="plain">The event; must not change until it completes.</param>
    /// <param name="mark">What is marked.</param>
    /// <param name="isNew">Whether the event is certainly not one that was given before: a mark that is there does not count then.</param>
    /// <param name="cancellationToken">Ends the wait for room, not the append.</param>
    /// <returns>Where it stands; <see langword="null"/> when it was taken before, and nothing was appended.</returns>
    /// <exception cref="TryAgainException">Not now; nothing was taken.</exception>
    /// <exception cref="InvalidRequestException">Over a limit; nothing was taken.</exception>
    /// <exception cref="StorageFailedException">Nobody knows whether it was taken. Asking again tells.</exception>
    ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken);

    /// <summary>Takes a mark away; completes, flushed, with whether it was there.</summary>
    /// <exception cref="TryAgainException">Not now; it is there as before.</exception>
    ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken);

    /// <summary>The lanes of a partition.</summary>
    IReadOnlyList<LaneStatus> Lanes(StreamPartition partition);

    /// <summary>Reads flushed entries, beginning with the one that holds <paramref name="from"/> (or the first behind it), at least one
    /// if there is one,
    /// else as many as fit <paramref name="maxBytes"/>.</summary>
    ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken);

    /// <summary>The offset from which on a lane has what was appended at or behind a time, as its origin counted it; behind its end when
    /// there is nothing. May read a page of an index.</summary>
    Offset FindTime(LaneId lane, DateTimeOffset time);

    /// <summary>Copies of these events in other lanes of the partition than <paramref name="except"/>, flushed, or removed by retention
    /// (rules R8, R10).</summary>
    IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except);

    /// <summary>The cursor of a consumer, joined from all that was heard of it; <see cref="Cursor.Start"/> when nothing was.</summary>
    Cursor Cursor(ConsumerName consumer, StreamPartition partition);

    /// <summary>Joins a cursor into what is kept; completes when it is flushed.</summary>
    ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken);

    /// <summary>A register of a stream, or <see langword="null"/>; a removed one is given with an empty value.</summary>
    RegisterFact? Register(StreamPath stream, string key);

    /// <summary>The registers of a stream, removed ones included, a page at a time: all that were there when the first page was taken are
    /// on one of the pages, once, as they are when it is taken. From memory.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="from">0, or <see cref="RegisterPage.Next"/> of a page given since this process was started.</param>
    /// <param name="max">Most registers of the page; one without any is the last.</param>
    RegisterPage Registers(StreamPath stream, int from, int max);

    /// <summary>Writes a register of a stream (last writer wins by hybrid clock); completes when it is flushed.</summary>
    ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken);

    /// <summary>Writes a register as if right behind the moment at which it is known: what anybody wrote after that stays, or comes and
    /// wins, even where it is not known here yet. For what follows from the old value alone, such as its end. Completes when it is
    /// flushed.</summary>
    ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value, CancellationToken cancellationToken);

    /// <summary>Which event is the retained message of a topic; <see langword="null"/> when the topic never had one. From memory. What was
    /// appended here counts from its flush on, what is written elsewhere when it has come.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">UTF-8 of the topic.</param>
    RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic);

    /// <summary>The topics of a stream that have a retained message, a page at a time, from memory. All that had one when the first page
    /// was taken, and still have it, are on one of the pages, once.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="from">0, or <see cref="RetainedPage.Next"/> of a page given since this process was started.</param>
    /// <param name="max">Most topics of the page; it may have fewer, or none, and not be the last.</param>
    RetainedPage Retained(StreamPath stream, int from, int max);

    /// <summary>The retained message of a topic as it is now; <see langword="null"/> when it has none, or when its event is damaged here,
    /// which is logged. Reads one record of the log.</summary>
    ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken);

    /// <summary>Calls <paramref name="changed"/> after each flush that brought something to <paramref name="stream"/> (entries, cursors,
    /// registers, also
    /// from links). The call comes on the store's thread: set a flag and return. Dispose to stop.</summary>
    IDisposable Watch(StreamPath stream, Action changed);
}
