using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>The events of an outbox, for the sender.</summary>
internal sealed class OutboxEvents(EventOutbox outbox) : IWaitingEvents
{
    private readonly EventWindow _window = new(outbox.Path, outbox.Keys);
    private readonly EventBatchBuilder _builder = new();

    /// <inheritdoc/>
    public ProducerId Producer => outbox.Producer;

    /// <inheritdoc/>
    public ulong Epoch => outbox.Epoch;

    /// <inheritdoc/>
    public IReadOnlyList<RestoredPartition> Restored => outbox.Restored;

    /// <inheritdoc/>
    public bool HasStaged => outbox.HasStaged;

    /// <inheritdoc/>
    public bool IsSending
    {
        set => outbox.IsSending = value;
    }

    /// <inheritdoc/>
    public void Tell(Action<IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)>> appended, Action woken)
    {
        outbox.Staged = woken;
        outbox.Appended = runs =>
        {
            if (runs.Count > 0)
            {
                appended(runs);
                woken();
            }
        };
    }

    /// <inheritdoc/>
    public void Collect(int inFlight)
    {
        // Told already: what is on disk is never held back.
    }

    /// <inheritdoc/>
    public long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic)
    {
        long read = _window.Read(outbox.RowId(partition), first, last, maxBytes, _builder, out oneTopic);
        bodyBytes = _builder.Bytes - BatchHeader.Size;
        return read;
    }

    /// <inheritdoc/>
    public BatchHeader Write(OutgoingBatch batch, BatchCompression compression, IBufferWriter<byte> output)
    {
        BatchHeader head = _builder.Write(batch.First, batch.Predecessor, batch.MayHaveTwins, output, compression);
        _builder.Clear();
        return head;
    }

    /// <inheritdoc/>
    public void Drop() => _builder.Clear();

    /// <inheritdoc/>
    public ValueTask LearnAsync(StreamPath stream, int partitions) => outbox.LearnAsync(stream, partitions);

    /// <inheritdoc/>
    public ValueTask ConfirmAsync(List<ConfirmedRun> confirmed, IReadOnlyList<StreamPartition> touched,
        Func<StreamPartition, IReadOnlyList<EventPlace>> standOf)
    {
        foreach (ConfirmedRun run in confirmed)
        {
            outbox.Receipts.Complete(run);
        }

        return outbox.WriteAsync(new ConfirmOperation(confirmed, touched, standOf));
    }

    /// <inheritdoc/>
    public async ValueTask ParkAsync(ClusterName cluster, StreamPartition partition, long first, long last, string reason)
    {
        await outbox.WriteAsync(new ParkOperation(partition, first, last, reason)).ConfigureAwait(false);
        outbox.Receipts.Fail(partition, first, last, new InvalidRequestException(
            $"{cluster} refused the event for good: {reason}; it is kept in the outbox's table of refused events"));
    }

    /// <inheritdoc/>
    public async ValueTask SetAsideAsync(StreamPartition partition, UnreadableEventException unreadable)
    {
        if (unreadable.IsPage)
        {
            outbox.FoundDamaged();                             // the next opening takes them out, and tells
        }
        else
        {
            long at = unreadable.At ?? outbox.Now;
            await outbox.WriteAsync(new SetAsideOperation(partition, unreadable.First, unreadable.Last, at)).ConfigureAwait(false);
        }

        outbox.Receipts.Fail(partition, unreadable.First, unreadable.Last, new StorageFailedException(
            $"outbox: the event was damaged on this device's disk before a cluster had it ({unreadable.Message})"));
    }

    /// <inheritdoc/>
    public void Dispose() => _window.Dispose();
}
