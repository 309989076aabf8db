using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What writes. All of it goes through the one writer: completes when it is flushed, or, for events of a
/// stream whose durability is <see cref="Durability.Written"/>, written. A token counts only while the call waits
/// for room; once inside, it is carried out and answered.</summary>
public sealed partial class Container
{
    private const int SmallCost = 256;
    private const int EntryCost = 256;               // head of an entry and of its record, about

    /// <summary>Opens a producer's newest session; older ones are shut out from this moment on (rule R2).</summary>
    public ProducerSession BeginProducer(ProducerId producer) => _sessions.Begin(producer);

    /// <summary>Takes a batch into the own lane; completes when it is as durable as the stream's settings say, or refused (rules R2,
    /// R6). Waits while the store is saturated. After a refusal the session is over. The batch's memory must not change until
    /// then.</summary>
    /// <exception cref="StorageFailedException">The disk refused while the batch was under way: it may or may not be found
    /// later.</exception>
    public async ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after,
        EventBatch batch,
        CancellationToken cancellationToken)
    {
        ProduceOperation operation = new(session, partition, after, batch, BatchTopics.Of(batch)) { Cost = CostOf(batch, after) };
        return await RunAsync(operation, cancellationToken);
    }

    /// <summary>Takes batches into the own lanes, in their order, each as <see cref="ProduceAsync"/> does; they are written with one
    /// write and flushed with one flush, as far as they fit one group. Their places in the order are taken before this returns.</summary>
    /// <returns>One answer for each, in their order.</returns>
    public IReadOnlyList<Task<ProduceResult>> ProduceAll(IReadOnlyList<ProducedBatch> batches)
    {
        Operation[] operations = new Operation[batches.Count];
        Task<ProduceResult>[] answers = new Task<ProduceResult>[batches.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            ProducedBatch each = batches[i];
            ProduceOperation operation = new(each.Session, each.Partition, each.After, each.Batch, BatchTopics.Of(each.Batch))
            {
                Cost = CostOf(each.Batch, each.After),
            };
            operations[i] = operation;
            answers[i] = operation.Answer;
        }

        _queue.AddAll(operations);
        return answers;
    }

    private static int CostOf(EventBatch batch, AfterVector after) => batch.Bytes.Length + EntryCost + (after.Count * 48);

    /// <summary>Takes one event of a client without an outbox; completes when it is as durable as the stream's settings say. Its memory
    /// must not change until then.</summary>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed.</exception>
    /// <exception cref="InvalidRequestException">The event is over a limit.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken)
    {
        int cost = plain.Topic.Length + plain.Key.Length + plain.Headers.Length + plain.Payload.Length + EntryCost + BatchHeader.Size;
        return await RunAsync(new AppendPlainOperation(partition, plain) { Cost = cost }, cancellationToken);
    }

    /// <summary>Joins a cursor into what is kept (rule R11); completes when it is flushed. A commit that changes nothing is not
    /// written.</summary>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken)
    {
        int cost = EntryCost + (56 * (cursor.Positions.Count + (2 * cursor.Jumps.Count)));
        await RunAsync(new CommitOperation(consumer, partition, cursor) { Cost = cost }, cancellationToken);
    }

    /// <summary>Writes a register of a stream (last writer wins by hybrid clock; settings keep the greater number of partitions);
    /// completes when it is flushed. An empty value removes it.</summary>
    /// <exception cref="InvalidRequestException">Key or value is over its limit, or settings are malformed.</exception>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        int keyBytes = Encoding.UTF8.GetByteCount(key);
        string? fault = keyBytes is < 1 or > RegisterFact.MaxKeyBytes
            ? $"register key takes {keyBytes} bytes, 1 to {RegisterFact.MaxKeyBytes} are allowed"
            : value.Length > RegisterFact.MaxValueBytes
            ? $"register value takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed"
            : key == StreamSettings.RegisterKey && !StreamSettings.TryRead(value, out _) ? "these bytes are no stream settings"
            : null;
        if (fault is not null)
        {
            throw new InvalidRequestException(fault);
        }

        await RunAsync(new SetRegisterOperation(stream, key, value, onlyIfNew: false) { Cost = EntryCost + keyBytes + value.Length },
            cancellationToken);
    }

    /// <summary>Writes a register of a stream as if right behind the moment at which it is known: what anybody wrote after that stays, or
    /// comes and wins, even where it is not known here yet. For what follows from the old value alone, such as its end. Completes when it
    /// is flushed. An empty value removes it.</summary>
    /// <exception cref="InvalidRequestException">The value is over its limit.</exception>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken)
    {
        if (value.Length > RegisterFact.MaxValueBytes)
        {
            throw new InvalidRequestException(
                $"register value takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed");
        }

        int cost = EntryCost + Encoding.UTF8.GetByteCount(known.Key) + value.Length;
        await RunAsync(new ReplaceRegisterOperation(stream, known, value) { Cost = cost }, cancellationToken);
    }

    /// <summary>The settings of a stream, which is created with the defaults when it is not known here.</summary>
    /// <exception cref="TryAgainException">It is not known, and writing has not begun.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken)
    {
        if (Settings(stream) is { } known)
        {
            return known;
        }

        await RunAsync(new SetRegisterOperation(stream, StreamSettings.RegisterKey, StreamSettings.Default.Write(), onlyIfNew: true)
        {
            Cost = EntryCost,
        }, cancellationToken);
        return Settings(stream)!;
    }

    /// <summary>Takes entries of a lane, in order, each only when the one before it is here (invariant 4); ones that are here are
    /// skipped. Their path is extended by this cluster. Completes when they are flushed. Calls for one lane are carried out in the order
    /// they were made. Works before writing has begun, and for the own lanes too (rule R14). Bodies must not change until it
    /// completes.</summary>
    /// <exception cref="InvalidFormatException">A body is not what its kind says; nothing was taken.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<IngestResult> IngestAsync(LaneId lane, IReadOnlyList<LaneEntry> entries, CancellationToken cancellationToken)
    {
        CheckedBody[] bodies = new CheckedBody[entries.Count];
        int cost = SmallCost;
        for (int i = 0; i < entries.Count; i++)
        {
            bodies[i] = CheckedBody.Check(lane, entries[i]);
            cost += entries[i].Body.Length + EntryCost + (48 * (entries[i].After.Count + entries[i].Path.Hops.Length));
        }

        return await RunAsync(new IngestOperation(lane, entries, bodies) { Cost = cost }, cancellationToken);
    }

    /// <summary>The sender no longer keeps entries before <paramref name="first"/>: the copy begins, or begins again, there; completes
    /// when that is flushed. Nothing happens when this cluster has the entry before it. Runs of producers in entries that go with it
    /// stay held (rule R8).</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask SkipToAsync(LaneId lane, EntryNumber first, Offset firstOffset, CancellationToken cancellationToken) =>
        await RunAsync(new SkipOperation(lane, first, firstOffset) { Cost = SmallCost }, cancellationToken);

    /// <summary>Retention: the copy of a lane begins at <paramref name="first"/> from now on; completes when that is flushed. Never beyond
    /// what is flushed, never back. What the removed entries told stays: cursors, topics, settings, and the runs of producers, which are
    /// held and ground for skipping a twin (rule R8).</summary>
    /// <returns>Where the copy begins now.</returns>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<EntryNumber> TrimAsync(LaneId lane, EntryNumber first, CancellationToken cancellationToken) =>
        await RunAsync(new TrimOperation(lane, first) { Cost = SmallCost }, cancellationToken);

    /// <summary>Joins state (rule R16); completes when it is flushed, with what of it changed something here.</summary>
    /// <exception cref="InvalidFormatException">An item is malformed; nothing was joined.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<IReadOnlyList<StateItem>> JoinAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken)
    {
        int cost = SmallCost;
        foreach (StateItem item in items)
        {
            cost += item.Body.Length + SmallCost;
            if (!StateItems.IsValid(item))
            {
                throw new InvalidFormatException($"state: an item of kind {item.Kind} is malformed");
            }
        }

        return await RunAsync(new JoinOperation(items) { Cost = cost }, cancellationToken);
    }
}
