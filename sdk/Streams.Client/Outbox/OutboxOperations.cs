using Streams.Core;

namespace Streams.Client;

/// <summary>Events are held by a cluster: they leave the outbox, and where they stand is kept, in one transaction (rule R5).</summary>
/// <remarks>Where they stand is asked when it is written, not when the operation is made: answers are handled side by side, and their
/// operations may come in another order. What was known earlier must not be written over what is known now, or the events after a restart
/// would name too early a place, and overtake those between.</remarks>
/// <param name="runs">The events.</param>
/// <param name="touched">The partitions whose places may have changed.</param>
/// <param name="standOf">Where a partition's events stand now; called on the outbox's writer.</param>
internal sealed class ConfirmOperation(IReadOnlyList<ConfirmedRun> runs, IReadOnlyList<StreamPartition> touched,
    Func<StreamPartition, IReadOnlyList<EventPlace>> standOf) : IOutboxOperation
{
    private readonly RemovalProgress _progress = new(runs.Count);

    /// <summary>No: undone, the events wait again, and the next hello tells that they are held, or they are sent as possible twins (rules
    /// R6, R18), as if the answer had been lost.</summary>
    public bool NeedsFlush => false;

    /// <inheritdoc/>
    public bool IsUnfinished => _progress.IsUnfinished;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction)
    {
        _progress.Apply(transaction, i => (runs[i].Partition, runs[i].Placed.First, runs[i].Placed.Last), transaction.Remove);

        foreach (StreamPartition partition in touched)
        {
            transaction.Stand(partition, standOf(partition));
        }
    }

    /// <inheritdoc/>
    public void Committed() => _progress.Committed();

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>Events were refused for good: they are put aside, with the reason.</summary>
internal sealed class ParkOperation(StreamPartition partition, long first, long last, string reason) : IOutboxOperation
{
    private readonly RemovalProgress _progress = new(1);

    /// <inheritdoc/>
    public bool IsUnfinished => _progress.IsUnfinished;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction) =>
        _progress.Apply(transaction, _ => (partition, first, last), (p, f, l) => transaction.Park(p, f, l, reason));

    /// <inheritdoc/>
    public void Committed() => _progress.Committed();

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>Events cannot be read: they are taken out, and a gap tells of them.</summary>
internal sealed class SetAsideOperation(StreamPartition partition, long first, long last, long at) : IOutboxOperation
{
    private readonly RemovalProgress _progress = new(1);

    /// <inheritdoc/>
    public bool IsUnfinished => _progress.IsUnfinished;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction) =>
        _progress.Apply(transaction, _ => (partition, first, last), (p, f, l) => transaction.SetAside(p, f, l, at));

    /// <inheritdoc/>
    public void Committed() => _progress.Committed();

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

/// <summary>Nothing of its own: lets the writer look for what the stage has to do.</summary>
internal sealed class LookOperation : IOutboxOperation
{
    /// <summary>The only one needed.</summary>
    public static readonly LookOperation Instance = new();

    private LookOperation()
    {
    }

    /// <summary>Not by itself: the writer knows when the stage does.</summary>
    public bool NeedsFlush => false;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction)
    {
    }

    /// <inheritdoc/>
    public void Committed()
    {
    }

    /// <inheritdoc/>
    public bool Failed(Exception why) => true;
}

/// <summary>Brings to stable storage what is committed already.</summary>
internal sealed class FlushOperation : IOutboxOperation
{
    /// <summary>The only one needed.</summary>
    public static readonly FlushOperation Instance = new();

    private FlushOperation()
    {
    }

    /// <summary>Writes a row as it is: SQLite flushes the journal with the transaction, and all that stands in it before.</summary>
    public void Apply(OutboxTransaction transaction) =>
        transaction.Database.Execute("UPDATE meta SET value=value WHERE key='clean'");

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
