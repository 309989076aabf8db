namespace Streams.Client;

/// <summary>Lets events in up to a cap in bytes and hands them to the writer's queue; makes the rest wait, first come, first served: the
/// order of the calls is the order of the queue, whoever had to wait. Safe for use by many threads.</summary>
/// <remarks>Someone may always enter when nothing is inside, so a single event greater than the cap still goes through. Beside the bytes
/// counted, the file must have room for what has entered and is not written yet, at the worst that it may take.</remarks>
internal sealed class ByteGate(long cap, long inside)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<PendingPublish> _waiting = [];
    private Func<PendingPublish, bool> _queue = static _ => throw new InvalidOperationException("the gate leads nowhere yet");
    private Exception? _closed;
    private long _inside = inside;
    private long _entering;                                    // counted bytes of what has entered and is not written yet
    private long _room = long.MaxValue;                        // bytes that events may still take in the file

    /// <summary>Where it leads: takes who is let in, or has no room for now. Must not block. Set before the first event comes.</summary>
    public void LeadTo(Func<PendingPublish, bool> queue) => _queue = queue;

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

    /// <summary>Lets an event in at once, or not at all. Let in, it is in the queue, or the next that comes there.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public bool TryEnter(PendingPublish publish, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_closed is not null)
            {
                throw _closed;
            }

            if (_waiting.Count > 0 || !TryTake(publish))
            {
                return false;
            }

            if (!_queue(publish))
            {
                Wait(publish, cancellationToken);
            }

            return true;
        }
    }

    /// <summary>Lets an event in, now or when its turn comes. Cancelled before, it fails.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public void Enter(PendingPublish publish, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!TryEnter(publish, cancellationToken))
            {
                Wait(publish, cancellationToken);
            }
        }
    }

    /// <summary>Bytes of the one that waits for room longest, or 0.</summary>
    public long FirstWaiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.First?.Value is { HasEntered: false } first ? first.Bytes : 0;
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

    /// <summary>Nobody is let in any more: who waits fails with <paramref name="why"/>, and so does who comes.</summary>
    public void Close(Exception why)
    {
        lock (_lock)
        {
            _closed ??= why;
            while (_waiting.First is { } first)
            {
                Remove(first.Value);
                first.Value.Failed(why);
            }
        }
    }

    private void Wait(PendingPublish publish, CancellationToken cancellationToken)
    {
        _waiting.AddLast(publish.Line);
        publish.Leaving = cancellationToken.UnsafeRegister(_ => Cancel(publish, cancellationToken), null);
    }

    private void Cancel(PendingPublish publish, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (publish.Line.List is not null)
            {
                Remove(publish);
                publish.Failed(new OperationCanceledException(cancellationToken));
                Admit();
            }
        }
    }

    private void Admit()
    {
        while (_waiting.First is { } first && (first.Value.HasEntered || TryTake(first.Value)) && _queue(first.Value))
        {
            Remove(first.Value);
        }
    }

    private void Remove(PendingPublish publish)
    {
        _waiting.Remove(publish.Line);
        publish.Leaving.Unregister();
    }

    private bool TryTake(PendingPublish publish)
    {
        long bytes = publish.Bytes;
        if (_inside > 0 && (_inside + bytes > cap || FileLimits.WorstOf(_entering + bytes) > _room))
        {
            return false;
        }

        publish.HasEntered = true;
        _inside += bytes;
        _entering += bytes;
        return true;
    }
}
