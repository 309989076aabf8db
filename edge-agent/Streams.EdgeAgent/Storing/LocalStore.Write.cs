using System.Text;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What writes. All of it goes through the one writer and completes when it is flushed. A token counts only while the call waits
/// for room; once inside, it is carried out and answered.</summary>
internal sealed partial class LocalStore
{
    private const int SmallCost = 256;
    private const int EntryCost = 256;               // what a row takes beside its bytes, about

    /// <inheritdoc/>
    public async ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken)
    {
        if (Settings(stream) is { } known)
        {
            return known;
        }

        await RunAsync(new SetRegisterOperation(stream, StreamSettings.RegisterKey, StreamSettings.Default.Write(), onlyIfNew: true)
        {
            Cost = EntryCost,
        }, cancellationToken).ConfigureAwait(false);
        return Settings(stream)!;
    }

    /// <inheritdoc/>
    public async ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after,
        EventBatch batch, CancellationToken cancellationToken)
    {
        bool hasRetained = false;
        foreach (EventView view in batch.Events)
        {
            hasRetained |= view.IsRetained;
        }

        int cost = batch.Bytes.Length + EntryCost + (after.Count * 48);
        return await RunAsync(new ProduceOperation(session, partition, after, batch, hasRetained) { Cost = cost }, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken) =>
        (await RunAsync(new AppendPlainOperation(partition, plain) { Cost = CostOf(plain) }, cancellationToken)
            .ConfigureAwait(false))!.Value;

    /// <inheritdoc/>
    public async ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken)
    {
        Check(mark);
        int cost = CostOf(plain) + MarkCost(mark);
        return await RunAsync(new AppendOnceOperation(partition, plain, mark, isNew) { Cost = cost }, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken)
    {
        Check(mark);
        return await RunAsync(new ClearMarkOperation(mark) { Cost = EntryCost + MarkCost(mark) }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken)
    {
        int cost = EntryCost + (56 * (cursor.Positions.Count + (2 * cursor.Jumps.Count)));
        await RunAsync(new CommitOperation(consumer, partition, cursor) { Cost = cost }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        int keyBytes = CheckKey(key);
        CheckValue(value);
        if (key == StreamSettings.RegisterKey && !StreamSettings.TryRead(value, out _))
        {
            throw new InvalidRequestException("these bytes are no stream settings");
        }

        await RunAsync(new SetRegisterOperation(stream, key, value, onlyIfNew: false) { Cost = EntryCost + keyBytes + value.Length },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken)
    {
        CheckValue(value);
        int cost = EntryCost + Encoding.UTF8.GetByteCount(known.Key) + value.Length;
        await RunAsync(new ReplaceRegisterOperation(stream, known, value) { Cost = cost }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes other routes, for what is stored from now on.</summary>
    public async ValueTask UseRoutesAsync(System.Collections.Immutable.ImmutableArray<Route> routes) =>
        await RunAsync(new UseRoutesOperation(routes) { Cost = EntryCost * (1 + routes.Length) }, CancellationToken.None)
            .ConfigureAwait(false);

    /// <summary>Gives sequences to what takes routes and goes up next, at most about so many bytes.</summary>
    public ValueTask<List<PlacedBatch>> PlaceAsync(int maxBytes, CancellationToken cancellationToken) =>
        RunAsync(new PlaceOperation(maxBytes) { Cost = maxBytes / 4 }, cancellationToken);

    private static int CostOf(in PlainEvent plain) =>
        plain.Topic.Length + plain.Key.Length + plain.Headers.Length + plain.Payload.Length + EntryCost + BatchHeader.Size;

    // The register is written once for all marks of a transaction; each pays for a part of it that grows with what may be marked.
    private static int MarkCost(in Mark mark) => SmallCost + mark.Key.Length + Math.Min(mark.MaxCount, 1024);

    private static int CheckKey(string key)
    {
        int bytes = Encoding.UTF8.GetByteCount(key);
        return bytes is >= 1 and <= RegisterFact.MaxKeyBytes ? bytes
            : throw new InvalidRequestException($"register key takes {bytes} bytes, 1 to {RegisterFact.MaxKeyBytes} are allowed");
    }

    private static void CheckValue(ReadOnlyMemory<byte> value)
    {
        if (value.Length > RegisterFact.MaxValueBytes)
        {
            throw new InvalidRequestException(
                $"register value takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed");
        }
    }

    private static void Check(in Mark mark)
    {
        CheckKey(mark.Key);
        if (mark.Key == StreamSettings.RegisterKey)
        {
            throw new InvalidRequestException($"the register {mark.Key} holds no marks");
        }

        if (mark.Number is < 1 or > MarkedNumbers.MaxNumber || mark.MaxCount is < 1 or > MarkedNumbers.MaxCount)
        {
            throw new InvalidRequestException(
                $"number {mark.Number} of at most {mark.MaxCount} cannot be marked: {MarkedNumbers.MaxNumber} and {MarkedNumbers.MaxCount}"
                + " are the limits");
        }
    }
}
