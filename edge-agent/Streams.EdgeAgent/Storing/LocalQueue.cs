using System.Threading.Channels;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What waits for the writer, up to so many bytes; who finds no room waits, first come, first served. Safe for use by many
/// threads, read by one.</summary>
internal sealed class LocalQueue(int maxBytes)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(LocalOperation Operation, TaskCompletionSource Entered)> _outside = [];

    // Bounded by their bytes.
    private readonly Channel<LocalOperation> _inside = Channel.CreateUnbounded<LocalOperation>(new() { SingleReader = true });
    private long _bytes;
    private bool _closed;

    /// <summary>Puts an operation in; waits for room. The token ends that wait and nothing else.</summary>
    /// <exception cref="TryAgainException">The store is closed.</exception>
    public async ValueTask AddAsync(LocalOperation operation, CancellationToken cancellationToken)
    {
        LinkedListNode<(LocalOperation, TaskCompletionSource Entered)> node;
        lock (_lock)
        {
            if (_closed)
            {
                throw new TryAgainException("the store is closed");
            }

            if (_outside.Count == 0 && HasRoom(operation))
            {
                Enter(operation);
                return;
            }

            node = _outside.AddLast((operation, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(_ => Leave(node, cancellationToken), null);
        await node.Value.Entered.Task.ConfigureAwait(false);
    }

    /// <summary>Waits for something; false when the queue is closed and empty.</summary>
    public ValueTask<bool> WaitAsync() => _inside.Reader.WaitToReadAsync();

    /// <summary>The next operation.</summary>
    public bool TryTake(out LocalOperation? operation) => _inside.Reader.TryRead(out operation);

    /// <summary>Operations of so many bytes are done.</summary>
    public void Done(long bytes)
    {
        lock (_lock)
        {
            _bytes -= bytes;
            while (_outside.First is { } first && HasRoom(first.Value.Operation))
            {
                _outside.RemoveFirst();
                Enter(first.Value.Operation);
                first.Value.Entered.TrySetResult();
            }
        }
    }

    /// <summary>Nothing more comes in.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach ((_, TaskCompletionSource entered) in _outside)
            {
                entered.TrySetException(new TryAgainException("the store is closed"));
            }

            _outside.Clear();
            _inside.Writer.TryComplete();
        }
    }

    private bool HasRoom(LocalOperation operation) => _bytes == 0 || _bytes + operation.Cost <= maxBytes;

    private void Enter(LocalOperation operation)
    {
        _bytes += operation.Cost;
        _ = _inside.Writer.TryWrite(operation);
    }

    private void Leave(LinkedListNode<(LocalOperation, TaskCompletionSource Entered)> node, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (node.List is not null)
            {
                _outside.Remove(node);
                node.Value.Entered.TrySetCanceled(cancellationToken);
            }
        }
    }
}
