using Streams.Core;

namespace Streams.Storage;

/// <summary>The container as producer of the events of clients without an outbox: one random id and epoch for each start, sequences per
/// partition.</summary>
/// <remarks>Waiting plain events of a partition go into one batch. The writer's own.</remarks>
internal sealed class PlainProducer(Random chance, int batchBytes)
{
    private const int KeptBuilders = 16;

    private readonly ProducerId _id = ProducerId.Create(chance);
    private ulong _epoch = NewEpoch(chance);
    private readonly Dictionary<StreamPartition, long> _sequences = [];
    private readonly Dictionary<StreamPartition, Batch> _open = [];
    private readonly Stack<EventBatchBuilder> _builders = [];

    internal sealed class Batch(EventBatchBuilder builder)
    {
        public EventBatchBuilder Builder => builder;

        public List<AppendPlainOperation> Operations { get; } = [];
    }

    /// <summary>Adds an event to the open batch of its partition; false when the batch is full and must be closed first.</summary>
    /// <exception cref="InvalidRequestException">The event is over a limit.</exception>
    public bool TryAdd(StreamPartition partition, AppendPlainOperation operation)
    {
        bool isNew = !_open.TryGetValue(partition, out Batch? batch);
        batch ??= new Batch(_builders.TryPop(out EventBatchBuilder? kept) ? kept : new EventBatchBuilder());
        PlainEvent plain = operation.Plain;
        bool added = batch.Builder.TryAdd(plain.Topic.Span, plain.Key.Span, plain.Headers.Span, plain.Payload.Span,
            plain.TimestampMicroseconds,
            isNew ? EventLimits.MaxBatchBytes : batchBytes, plain.IsRetained);
        if (added)
        {
            batch.Operations.Add(operation);
            _open[partition] = batch;
        }

        return added;
    }

    /// <summary>Makes the batch of a partition, if events wait for it.</summary>
    public bool TryClose(StreamPartition partition, out EventBatch? made, out IReadOnlyList<AppendPlainOperation> operations)
    {
        made = null;
        operations = [];
        if (!_open.Remove(partition, out Batch? batch))
        {
            return false;
        }

        long last = _sequences.GetValueOrDefault(partition);
        _sequences[partition] = last + batch.Builder.Count;
        made = batch.Builder.Build(new EventIdentity(_id, _epoch, last + 1), last == 0 ? default : (_epoch, last), mayHaveTwins: false);
        operations = batch.Operations;
        if (_builders.Count < KeptBuilders)
        {
            _builders.Push(batch.Builder);
        }

        return true;
    }

    /// <summary>Begins another epoch: the batches of this one were not all kept, and no sequence is used for two events.</summary>
    public void Restart()
    {
        _epoch = NewEpoch(chance);
        _sequences.Clear();
        _open.Clear();
    }

    private static ulong NewEpoch(Random chance) => (ulong)chance.NextInt64(1, long.MaxValue);

    /// <summary>A partition with an open batch.</summary>
    public bool TryNextOpen(out StreamPartition partition)
    {
        foreach (StreamPartition open in _open.Keys)
        {
            partition = open;
            return true;
        }

        partition = default;
        return false;
    }
}
