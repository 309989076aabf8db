using Streams.Core;

namespace Streams.Storage;

/// <summary>Something that waits for the writer: staged in a group, answered when the group is flushed, or only
/// written where the stream's durability says so.</summary>
internal abstract class Operation
{
    /// <summary>Bytes that it will add to the log, about.</summary>
    public required int Cost { get; init; }

    /// <summary>Its place among those that wait for room in the queue.</summary>
    public LinkedListNode<Operation>? Waiting { get; set; }

    /// <summary>What would give it up while it waits for room.</summary>
    public CancellationTokenRegistration Registration { get; set; }

    /// <summary>Whether the writer took it up: from then on a failure means that nobody knows what became of it.</summary>
    public bool IsStaged { get; set; }

    /// <summary>Whether it was refused, and answered, while it was staged.</summary>
    public bool IsRefused { get; set; }

    /// <summary>The stream whose durability says when it is answered; <see langword="null"/> when it is answered once it is flushed,
    /// whatever the stream.</summary>
    public virtual StreamPath? Stream => null;

    /// <summary>Whether its decision may be made while the group before is being flushed, and that of the next while it is being flushed
    /// itself: it looks only at what the stager keeps of a group in flight, and changes nothing else that others look at.</summary>
    public virtual bool MayOverlap(Stager stager) => false;

    /// <summary>Whether it helps to make room: then it is tried on a full disk too.</summary>
    public virtual bool FreesSpace => false;

    /// <summary>Decides and stages. A <see cref="StreamsException"/> refuses this operation alone; it must be thrown before anything is
    /// staged.</summary>
    public abstract void Stage(Stager stager);

    /// <summary>Answers: the group is as durable as it must be.</summary>
    public abstract void Complete();

    /// <summary>Answers that it was not done, or that nobody knows.</summary>
    public abstract void Fail(Exception cause);

    /// <summary>Answers that it was given up before it was staged.</summary>
    public abstract void Cancel(CancellationToken token);
}

/// <summary>An operation with an answer.</summary>
internal abstract class Operation<T> : Operation
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Answer => _answer.Task;

    /// <summary>What will be answered when the group is flushed.</summary>
    protected T? Result { get; set; }

    /// <summary>Answers at once.</summary>
    protected void AnswerWith(T result) => _answer.TrySetResult(result);

    public override void Complete() => _answer.TrySetResult(Result!);

    public override void Fail(Exception cause) => _answer.TrySetException(cause);

    public override void Cancel(CancellationToken token) => _answer.TrySetCanceled(token);
}
