using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Events that are taken once: the event and the mark that says so are in the log together or not at all.</summary>
public sealed partial class Container
{
    /// <summary>Takes one event of a client without an outbox, and marks that it was taken: both are flushed when it completes, and after
    /// a crash both are there or neither. Whether the mark is there already is looked up by the writer, so of two calls that race one
    /// appends. The event's memory must not change until it completes.</summary>
    /// <param name="partition">The partition of the event.</param>
    /// <param name="plain">The event.</param>
    /// <param name="mark">What is marked.</param>
    /// <param name="isNew">Whether the caller knows that the event was never given here before: then a mark that is there is an old one,
    /// and does not count.</param>
    /// <param name="cancellationToken">Counts only while the call waits for room.</param>
    /// <returns>Where the event stands; <see langword="null"/> when the mark was there, flushed, and nothing was appended.</returns>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed; nothing was taken.</exception>
    /// <exception cref="InvalidRequestException">The event is over a limit, or as many numbers are marked as may be; nothing was
    /// taken.</exception>
    /// <exception cref="StorageFailedException">The disk refused; nobody knows whether it was taken. Asking again tells.</exception>
    public async ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken)
    {
        Check(mark);
        int cost = plain.Topic.Length + plain.Key.Length + plain.Headers.Length + plain.Payload.Length + EntryCost + BatchHeader.Size
            + MarkCost(mark);
        AppendOnceOperation operation = new(partition, plain, mark, isNew) { Cost = cost };
        EventPlace place = await RunAsync(operation, cancellationToken);
        return operation.WasTaken ? null : place;
    }

    /// <summary>Takes a mark away; completes when that is flushed.</summary>
    /// <returns>Whether it was there.</returns>
    /// <exception cref="TryAgainException">Writing has not begun, or the store is closed; it is there as before.</exception>
    /// <exception cref="StorageFailedException">The disk refused; nobody knows whether it is there.</exception>
    public async ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken)
    {
        Check(mark);
        return await RunAsync(new ClearMarkOperation(mark) { Cost = EntryCost + MarkCost(mark) }, cancellationToken);
    }

    // The register is written once for all marks of a group; each pays for a part of it that grows with what may be marked.
    private static int MarkCost(in Mark mark) => SmallCost + mark.Key.Length + Math.Min(mark.MaxCount, 1024);

    private static void Check(in Mark mark)
    {
        int keyBytes = Encoding.UTF8.GetByteCount(mark.Key);
        if (keyBytes is < 1 or > RegisterFact.MaxKeyBytes || mark.Key == StreamSettings.RegisterKey)
        {
            throw new InvalidRequestException($"register key takes {keyBytes} bytes, 1 to {RegisterFact.MaxKeyBytes} are allowed");
        }

        if (mark.Number is < 1 or > MarkedNumbers.MaxNumber || mark.MaxCount is < 1 or > MarkedNumbers.MaxCount)
        {
            throw new InvalidRequestException(
                $"number {mark.Number} of at most {mark.MaxCount} cannot be marked: {MarkedNumbers.MaxNumber} and {MarkedNumbers.MaxCount}"
                + " are the limits");
        }
    }
}
