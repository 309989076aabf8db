namespace Streams.EdgeAgent;

/// <summary>Something to be written. Many share one transaction.</summary>
internal abstract class LocalOperation
{
    /// <summary>Bytes that it counts while it waits.</summary>
    public required int Cost { get; init; }

    /// <summary>Whether only a part of it is done, so that the transaction stays small: it is applied again with the next.</summary>
    public virtual bool IsUnfinished => false;

    /// <summary>Does it inside the running transaction. Errors that are its own are thrown before anything is written.</summary>
    public abstract void Apply(LocalTransaction transaction);

    /// <summary>The transaction is committed: whoever waits is told.</summary>
    public abstract void Answer();

    /// <summary>It was not done.</summary>
    public abstract void Fail(Exception why);
}

/// <summary>One with an answer.</summary>
internal abstract class LocalOperation<T> : LocalOperation
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it is on stable storage.</summary>
    public Task<T> Task => _answer.Task;

    /// <summary>What it will answer.</summary>
    protected T? Result { get; set; }

    /// <inheritdoc/>
    public override void Answer() => _answer.TrySetResult(Result!);

    /// <inheritdoc/>
    public override void Fail(Exception why) => _answer.TrySetException(why);

    /// <summary>Answers though nothing was written.</summary>
    protected void AnswerWith(T result) => _answer.TrySetResult(result);
}
