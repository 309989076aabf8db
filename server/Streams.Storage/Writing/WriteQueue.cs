using Streams.Core;

namespace Streams.Storage;

/// <summary>The operations that wait for the writer, in the order in which they were made, bounded by bytes and number. Those over the
/// bound wait outside, in order too: their callers wait with them.</summary>
/// <remarks>Safe for use by many threads; one takes.</remarks>
internal sealed class WriteQueue(long maxBytes, int maxOperations)
{
    private readonly Lock _lock = new();
    private readonly Queue<Operation> _ready = [];
    private readonly LinkedList<Operation> _outside = [];
    private TaskCompletionSource<bool>? _sleeper;
    private long _pendingBytes;
    private int _pending;
    private Exception? _closed;
    private bool _isWoken;

    /// <summary>Bytes of operations inside: queued, or in the group under way.</summary>
    public long PendingBytes => Volatile.Read(ref _pendingBytes);

    /// <summary>Whether there is something to take.</summary>
    public bool HasReady
    {
        get
        {
            lock (_lock)
            {
                return _ready.Count > 0;
            }
        }
    }

    /// <summary>Adds an operation. It can be cancelled only as long as it waits outside; later it is carried out whatever the token
    /// says.</summary>
    public void Add(Operation operation, CancellationToken cancellationToken)
    {
        Exception? closed;
        bool outside = false;
        lock (_lock)
        {
            closed = _closed;
            if (closed is null)
            {
                outside = _outside.Count > 0 || !HasRoom(operation);
                if (outside)
                {
                    operation.Waiting = _outside.AddLast(operation);
                }
                else
                {
                    Enter(operation);
                }
            }
        }

        if (closed is not null)
        {
            operation.Fail(closed);
        }
        else if (outside && cancellationToken.CanBeCanceled)
        {
            Register(operation, cancellationToken);
        }
    }

    /// <summary>Adds operations that nobody can cancel, at once: they are taken together as far as there is room and they fit a
    /// group.</summary>
    public void AddAll(IReadOnlyList<Operation> operations)
    {
        Exception? closed;
        lock (_lock)
        {
            closed = _closed;
            for (int i = 0; i < operations.Count && closed is null; i++)
            {
                Operation operation = operations[i];
                if (_outside.Count > 0 || !HasRoom(operation))
                {
                    operation.Waiting = _outside.AddLast(operation);
                }
                else
                {
                    Enter(operation);
                }
            }
        }

        for (int i = 0; i < operations.Count && closed is not null; i++)
        {
            operations[i].Fail(closed);
        }
    }

    /// <summary>Wakes the one who takes, though there may be nothing to take.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _isWoken = _sleeper is null;
            _sleeper?.TrySetResult(true);
            _sleeper = null;
        }
    }

    /// <summary>Waits until there is something to take, or somebody calls <see cref="Wake"/>; false when the queue is closed and
    /// empty.</summary>
    public ValueTask<bool> WaitAsync()
    {
        lock (_lock)
        {
            bool isWoken = _isWoken && _closed is null;
            _isWoken = false;
            if (_ready.Count > 0 || isWoken)
            {
                return new ValueTask<bool>(true);
            }

            if (_closed is not null)
            {
                return new ValueTask<bool>(false);
            }

            _sleeper = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask<bool>(_sleeper.Task);
        }
    }

    /// <summary>Takes the next group: at least one operation if there is one, and no more than the bounds.</summary>
    public long Take(List<Operation> group, int groupBytes, int groupOperations)
    {
        long bytes = 0;
        lock (_lock)
        {
            while (group.Count < groupOperations && _ready.TryPeek(out Operation? next) && (group.Count == 0
                || bytes + next.Cost <= groupBytes))
            {
                group.Add(_ready.Dequeue());
                bytes += next.Cost;
            }
        }

        return bytes;
    }

    /// <summary>The group is done: lets in those that waited outside.</summary>
    public void Release(long bytes, int operations)
    {
        lock (_lock)
        {
            Volatile.Write(ref _pendingBytes, _pendingBytes - bytes);
            _pending -= operations;
            while (_outside.First is { } first && HasRoom(first.Value))
            {
                _outside.RemoveFirst();
                first.Value.Waiting = null;
                Enter(first.Value);
            }
        }
    }

    /// <summary>Refuses all later operations with <paramref name="cause"/>. Those outside are let in; with <paramref name="dropAll"/>
    /// everything is refused.</summary>
    public void Close(Exception cause, bool dropAll)
    {
        List<Operation> dropped = [];
        lock (_lock)
        {
            _closed ??= cause;
            while (_outside.First is { } first)
            {
                _outside.RemoveFirst();
                first.Value.Waiting = null;
                Enter(first.Value);
            }

            while (dropAll && _ready.TryDequeue(out Operation? operation))
            {
                dropped.Add(operation);
            }

            _sleeper?.TrySetResult(_ready.Count > 0);
            _sleeper = null;
        }

        foreach (Operation operation in dropped)
        {
            operation.Fail(cause);
        }
    }

    private void Register(Operation operation, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static (state, token) =>
        {
            (WriteQueue queue, Operation operation) = ((WriteQueue, Operation))state!;
            queue.GiveUp(operation, token);
        }, (this, operation));
        lock (_lock)
        {
            operation.Registration = registration;
            if (operation.Waiting is null)
            {
                registration.Unregister();            // it went in meanwhile
            }
        }
    }

    private bool HasRoom(Operation operation) =>
        _pending == 0 || (_pendingBytes + operation.Cost <= maxBytes && _pending < maxOperations);

    private void Enter(Operation operation)
    {
        operation.Registration.Unregister();
        _ready.Enqueue(operation);
        Volatile.Write(ref _pendingBytes, _pendingBytes + operation.Cost);
        _pending++;
        _sleeper?.TrySetResult(true);
        _sleeper = null;
    }

    private void GiveUp(Operation operation, CancellationToken token)
    {
        lock (_lock)
        {
            if (operation.Waiting is null)
            {
                return;
            }

            _outside.Remove(operation.Waiting);
            operation.Waiting = null;
        }

        operation.Cancel(token);
    }
}
