using System.Threading.Tasks.Sources;
using Streams.Core;

namespace Streams.Client;

/// <summary>One publish without an outbox: the promise that a cluster holds the event.</summary>
internal sealed class PendingEvent : IValueTaskSource<StoredEvent>
{
    private ManualResetValueTaskSourceCore<StoredEvent> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>Completes when a cluster holds it, flushed.</summary>
    public ValueTask<StoredEvent> Stored => new(this, _core.Version);

    /// <summary>A cluster holds it.</summary>
    public void Complete(in StoredEvent stored) => _core.SetResult(stored);

    /// <summary>It is refused for good, or nobody will know any more.</summary>
    public void Fail(Exception why) => _core.SetException(why);

    /// <inheritdoc/>
    public StoredEvent GetResult(short token) => _core.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>Somebody waits for all pages of a moment.</summary>
internal sealed class PendingFlush : TaskCompletionSource
{
    private int _pages = 1;

    /// <summary>A flush; it holds one page of its own until <see cref="Done"/> is called for that too.</summary>
    public PendingFlush()
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
    }

    /// <summary>One page more.</summary>
    public void Add() => _pages++;

    /// <summary>A page is done.</summary>
    public void Done(Exception? refused)
    {
        if (--_pages == 0)
        {
            if (refused is null)
            {
                TrySetResult();
            }
            else
            {
                TrySetException(refused);
            }
        }
    }
}
