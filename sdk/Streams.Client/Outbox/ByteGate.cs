namespace Streams.Client;

/// <summary>Lets bytes in up to a cap and makes the rest wait, first come, first served. Safe for use by many threads.</summary>
/// <remarks>Someone may always enter when nothing is inside, so a single event greater than the cap still goes through. Beside the bytes
/// counted, the file must have room for what has entered and is not written yet, at the worst that it may take.</remarks>
internal sealed class ByteGate(long cap, long inside)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(long Bytes, TaskCompletionSource Entered)> _waiting = [];
    private long _inside = inside;
    private long _entering;                                    // counted bytes of what has entered and is not written yet
    private long _room = long.MaxValue;                        // bytes that events may still take in the file

    /// <summary>Bytes inside.</summary>
    public long Inside => Interlocked.Read(ref _inside);

    /// <summary>Who waits.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Enters at once, or not at all.</summary>
    public bool TryEnter(long bytes)
    {
        lock (_lock)
        {
            return _waiting.Count == 0 && TryTake(bytes);
        }
    }

    /// <summary>Bytes of the one that waits longest, or 0.</summary>
    public long FirstWaiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.First?.Value.Bytes ?? 0;
            }
        }
    }

    /// <summary>Whether there is room, in the midst of a transaction, for one that has not entered.</summary>
    /// <param name="bytes">What it counts.</param>
    /// <param name="waits">Whether it waits: then as <see cref="TryEnter"/> would say. Else it is in the transaction, and may stay in any
    /// case when nothing but gaps is stored.</param>
    /// <param name="freed">Bytes taken for having left.</param>
    /// <param name="transaction">The transaction, measured as of now.</param>
    public bool HasRoom(long bytes, bool waits, long freed, OutboxTransaction transaction)
    {
        lock (_lock)
        {
            long entering = _entering - transaction.BytesCame;
            long inside = _inside - transaction.BytesLeft - freed;
            long room = transaction.Limits.EventBytes - transaction.UsedBytes + freed;
            bool isAlone = waits ? inside <= 0 : inside - entering <= transaction.Stage.GapBytes;
            long worst = waits ? FileLimits.WorstOf(entering + bytes) : FileLimits.WorstOf(entering) + FileLimits.WorstOfOne(bytes);
            return isAlone || (inside + bytes <= cap && worst <= room);
        }
    }

    /// <summary>Enters, or waits until there is room.</summary>
    public async ValueTask EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<(long, TaskCompletionSource Entered)> node;
        lock (_lock)
        {
            if (_waiting.Count == 0 && TryTake(bytes))
            {
                return;
            }

            node = _waiting.AddLast((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(_ => Leave(node, cancellationToken), null);
        await node.Value.Entered.Task.ConfigureAwait(false);
    }

    /// <summary>Something was written: so many bytes of those that entered stand in the file now, so many left it, and so many does it
    /// still take.</summary>
    public void Settle(long came, long left, long room)
    {
        lock (_lock)
        {
            _entering -= came;
            _inside -= left;
            _room = room;
            Admit();
        }
    }

    /// <summary>Who entered goes again without having been written.</summary>
    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _inside -= bytes;
            _entering -= bytes;
            Admit();
        }
    }

    /// <summary>Nobody is let in any more: who waits is told <paramref name="why"/>.</summary>
    public void Close(Exception why)
    {
        lock (_lock)
        {
            foreach ((_, TaskCompletionSource entered) in _waiting)
            {
                entered.TrySetException(why);
            }

            _waiting.Clear();
        }
    }

    private void Leave(LinkedListNode<(long, TaskCompletionSource Entered)> node, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (node.List is not null)
            {
                _waiting.Remove(node);
                node.Value.Entered.TrySetCanceled(cancellationToken);
                Admit();
            }
        }
    }

    private void Admit()
    {
        while (_waiting.First is { } first && TryTake(first.Value.Bytes))
        {
            _waiting.RemoveFirst();
            first.Value.Entered.TrySetResult();
        }
    }

    private bool TryTake(long bytes)
    {
        if (_inside > 0 && (_inside + bytes > cap || FileLimits.WorstOf(_entering + bytes) > _room))
        {
            return false;
        }

        _inside += bytes;
        _entering += bytes;
        return true;
    }
}
