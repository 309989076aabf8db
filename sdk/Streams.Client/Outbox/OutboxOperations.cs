using Streams.Core;

namespace Streams.Client;

/// <summary>Events are held by a cluster: they leave the outbox, and where they stand is kept, in one transaction (rule R5).</summary>
internal sealed class ConfirmOperation(IReadOnlyList<ConfirmedRun> runs,
    IReadOnlyList<(StreamPartition Partition, EventPlace[] Stand)> stands) : IOutboxOperation
{
    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction)
    {
        foreach (ConfirmedRun run in runs)
        {
            transaction.Remove(run.Partition, run.Placed.First, run.Placed.Last);
        }

        foreach ((StreamPartition partition, EventPlace[] stand) in stands)
        {
            transaction.Stand(partition, stand);
        }
    }

    /// <inheritdoc/>
    public void Committed()
    {
    }

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>Events were refused for good: they are put aside, with the reason.</summary>
internal sealed class ParkOperation(StreamPartition partition, long first, long last, string reason) : IOutboxOperation
{
    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction) => transaction.Park(partition, first, last, reason);

    /// <inheritdoc/>
    public void Committed()
    {
    }

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>A cluster told how many partitions a stream has.</summary>
internal sealed class StreamOperation(StreamPath stream, int partitions) : IOutboxOperation
{
    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction) => transaction.Stream(stream, partitions);

    /// <inheritdoc/>
    public void Committed()
    {
    }

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>Something that gives a result, done in order with the writes.</summary>
internal sealed class ResultOperation<T>(Func<OutboxTransaction, T> work) : IOutboxOperation
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    /// <summary>Completes when it is durable.</summary>
    public Task<T> Done => _done.Task;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction) => _result = work(transaction);

    /// <inheritdoc/>
    public void Committed() => _done.TrySetResult(_result!);

    /// <inheritdoc/>
    public bool Failed(Exception why)
    {
        _done.TrySetException(why);
        return false;
    }
}
