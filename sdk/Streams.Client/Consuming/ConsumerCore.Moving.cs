using Streams.Core;

namespace Streams.Client;

/// <content>Acknowledging up to an event, going elsewhere, and how far it is behind.</content>
internal sealed partial class ConsumerCore
{
    // A gauge that is read asks the cluster no more often.
    private static readonly TimeSpan LagEvery = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _asking = new(1, 1);        // one question to the cluster at a time
    private readonly SemaphoreSlim _committing = new(1, 1);
    private readonly List<SequenceSpan> _upTo = [];
    private TaskCompletionSource _whenOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (string Topic, TaskCompletionSource<ReadOnlyMemory<byte>> Answer)? _asked;
    private ConsumerLag? _lag;
    private long _lagAt = long.MinValue;

    /// <summary>How far it was behind when it was last asked for, or <see langword="null"/>.</summary>
    public ConsumerLag? LastLag => Volatile.Read(ref _lag);

    /// <summary>All that was handed out of the lane is done with, up to an offset and with it.</summary>
    public void AcknowledgeUpTo(PartitionId id, EventPlace place, int life)
    {
        lock (_lock)
        {
            ConsumerPartition partition = _partitions[id.Value];
            partition.Reader.HandedOut(place, life, _upTo);
            _ready.Except(partition, place.Origin, _upTo);
            long now = _context.Clock.Milliseconds;
            foreach (SequenceSpan span in _upTo)
            {
                partition.Reader.Acknowledge(new EventIdentity(span.Key.Producer, span.Key.Epoch, span.First), span.Count, life, now);
            }

            _upTo.Clear();
        }

        _keeper.Wake();
    }

    /// <summary>Acknowledges an event and stores another in one transaction; <see langword="null"/>, and nothing, when the event is not
    /// outstanding.</summary>
    public Task<PublishReceipt?> AcknowledgeWithAsync(ReceivedEvent received, StreamPath stream, PlainEvent content,
        CancellationToken cancellationToken) => _keeper.KeepWithAsync(
            () =>
            {
                lock (_lock)
                {
                    return _partitions.TryGetValue(received.Partition.Value, out ConsumerPartition? partition)
                        && ReferenceEquals(partition.Content, received.Content)
                        && partition.Reader.IsOutstanding(received.Identity, received.Life);
                }
            },
            () =>
            {
                lock (_lock)
                {
                    _partitions[received.Partition.Value].Reader.Acknowledge(received.Identity, 1, received.Life,
                        _context.Clock.Milliseconds);
                }
            },
            with => _context.Outbox.PublishAsync(stream, content, with, cancellationToken), cancellationToken);

    /// <summary>Goes on elsewhere. Completes when that is kept on the device, and flushed by the cluster if its connection lasts so
    /// long.</summary>
    public async Task SeekAsync(SeekPosition to, CancellationToken cancellationToken)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        await _asking.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            ClusterSession session;
            SeekReply reply;
            do
            {
                (session, ReadOnlyMemory<byte> answer) = await AskAsync(ProtocolTopics.Seek, ProtocolTopics.SeekReply,
                    () => Wire.Of(new SeekRequest(_subscription, to.Kind, to.Time, to.Places).Write), either.Token).ConfigureAwait(false);
                reply = SeekReply.Read(answer) ?? throw new InvalidFormatException($"{session.Cluster}: an answer to seek is malformed");
            }
            while (!TryMove(session, reply, to));

            if (!await _keeper.KeepAsync().ConfigureAwait(false))
            {
                throw new StorageFailedException($"consumer {_options.Name} of {_options.Stream} goes on at {to},"
                    + " but the outbox's disk refused to keep that: it counts in this process only until it is kept");
            }

            try
            {
                await CommitAsync(session).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The session is over: the next one, wherever it is, begins with what is kept here (rule R11).
            }
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>Asks how far it is behind.</summary>
    public async Task<ConsumerLag> LagAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        await _asking.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            (ClusterSession session, ReadOnlyMemory<byte> answer) = await AskAsync(ProtocolTopics.Lag, ProtocolTopics.LagReply, LagRequest,
                either.Token).ConfigureAwait(false);
            LagReply reply = LagReply.Read(answer)
                ?? throw new InvalidFormatException($"{session.Cluster}: an answer to lag is malformed");
            LaneLag[] lanes = new LaneLag[reply.Lanes.Count];
            long events = 0;
            TimeSpan behind = TimeSpan.Zero;
            for (int i = 0; i < lanes.Length; i++)
            {
                LaneBehind lane = reply.Lanes[i];
                TimeSpan since = TimeSpan.FromMicroseconds(lane.Behind);
                lanes[i] = new LaneLag(lane.Partition, lane.Origin, lane.Next, lane.Head, since);
                events += lanes[i].Events;
                behind = since > behind ? since : behind;
            }

            ConsumerLag lag = new(session.Cluster, events, behind, lanes);
            Volatile.Write(ref _lag, lag);
            return lag;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>Somebody reads the gauge: it is asked for anew, for the next time, when it is old and there is a cluster.</summary>
    public void RefreshLag()
    {
        long now = _context.Clock.Milliseconds;
        long at = Volatile.Read(ref _lagAt);
        if (_whenOpen.Task.IsCompleted && (at == long.MinValue || now - at >= LagEvery.TotalMilliseconds)
            && Interlocked.CompareExchange(ref _lagAt, now, at) == at)
        {
            _ = RefreshAsync();
        }
    }

    private async Task RefreshAsync()
    {
        using CancellationTokenSource limit = new(LagEvery, _context.Clock.Time);
        try
        {
            await LagAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or StreamsException or ObjectDisposedException)
        {
            // The gauge says what was known last.
        }
    }

    private ReadOnlyMemory<byte> LagRequest()
    {
        lock (_lock)
        {
            return Wire.Of(new LagRequest(_subscription,
                [.. _partitions.Values.Select(static p => (p.Reader.Partition, p.Reader.Confirmed()))]).Write);
        }
    }

    /// <summary>Asks the cluster with which it is open, or the next one.</summary>
    /// <exception cref="InvalidRequestException">It refused.</exception>
    private async Task<(ClusterSession Session, ReadOnlyMemory<byte> Answer)> AskAsync(string topic, string replyTopic,
        Func<ReadOnlyMemory<byte>> request, CancellationToken cancellationToken)
    {
        while (true)
        {
            ClusterSession session = await OpenSessionAsync(cancellationToken).ConfigureAwait(false);
            TaskCompletionSource<ReadOnlyMemory<byte>> reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                _asked = (replyTopic, reply);
            }

            try
            {
                ClusterAnswer answer = await session.AskAsync(topic, request()).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (!answer.IsTaken)
                {
                    throw new InvalidRequestException(
                        $"{session.Cluster} refused {topic} of consumer {_options.Name} of {_options.Stream}: {answer.Text}");
                }

                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(session.Token, cancellationToken);
                return (session, await reply.Task.WaitAsync(_context.Options.AnswerTimeout, _context.Clock.Time, either.Token)
                    .ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // That session is over: the next one is asked.
            }
            catch (TimeoutException)
            {
                session.End($"{session.Cluster} answered {topic} without saying what");
            }
            finally
            {
                lock (_lock)
                {
                    _asked = null;
                }
            }
        }
    }

    private async Task<ClusterSession> OpenSessionAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task open;
            lock (_lock)
            {
                if (_fault is not null)
                {
                    throw _fault;
                }

                if (_session is { Token.IsCancellationRequested: false } session && _opened is { Task.IsCompletedSuccessfully: true })
                {
                    return session;
                }

                if (_whenOpen.Task.IsCompleted)
                {
                    _whenOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                open = _whenOpen.Task;
            }

            await open.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private string? Answered(string topic, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            if (_asked is { } asked && asked.Topic == topic)
            {
                asked.Answer.TrySetResult(payload);
            }
        }

        return null;
    }

    // False when the session is over: another cluster may not have the same lanes as far.
    private bool TryMove(ClusterSession session, SeekReply reply, SeekPosition to)
    {
        uint grant;
        lock (_lock)
        {
            if (session != _session)
            {
                return false;
            }

            foreach ((PartitionId id, Cursor found) in reply.Cursors)
            {
                if (!_partitions.TryGetValue(id.Value, out ConsumerPartition? partition))
                {
                    continue;
                }

                partition.Reader.Seek(Moved(partition.Reader.Confirmed(), found, to.Kind));
                ClientLog.Sought(_context.Logger, _options.Name, _options.Stream, id.Value, to,
                    partition.Reader.Confirmed().Generation.Number);
            }

            _ready.DropStale();
            grant = _ready.TakeGrant();
        }

        SubscriptionRequests.Grant(session, _subscription, grant);
        return true;
    }

    private Incarnation Drawn()
    {
        lock (_context.Chance)
        {
            return Incarnation.After(default, _context.Clock.Time, _context.Chance);
        }
    }

    // The incarnation is drawn, so that no other rewind, there or elsewhere, has the same generation: two of one generation would be
    // joined lane by lane, and neither would be where it was sent (rule R11).
    private Cursor Moved(Cursor local, Cursor found, SeekKind kind)
    {
        Generation next = new(Math.Max(local.Generation.Number, found.Generation.Number) + 1,
            new Origin(_session!.Cluster, Drawn()));
        return kind != SeekKind.Places ? new Cursor(next, found.Positions, [])
            : new Cursor(next, local.Positions.SetItems(found.Positions),
                [.. local.Jumps.Where(j => !found.Positions.ContainsKey(j.Origin))]);
    }

    private async Task CommitAsync(ClusterSession session)
    {
        await _committing.WaitAsync(session.Token).ConfigureAwait(false);
        try
        {
            await SubscriptionRequests.CommitAsync(session, Uncommitted(session)).ConfigureAwait(false);
        }
        finally
        {
            _committing.Release();
        }
    }

    private List<CommitRequest> Uncommitted(ClusterSession session)
    {
        List<CommitRequest> commits = [];
        lock (_lock)
        {
            if (session != _session)
            {
                return commits;
            }

            foreach (ConsumerPartition partition in _partitions.Values)
            {
                if (partition.Committed is { } committed && !ReferenceEquals(committed, partition.Durable))
                {
                    commits.Add(new CommitRequest(_subscription, partition.Reader.Partition, partition.Durable));
                    partition.Committed = partition.Durable;
                }
            }
        }

        return commits;
    }

    private void EvictIdle()
    {
        long now = _context.Clock.Milliseconds;
        if (now < _evictAt)
        {
            return;
        }

        _evictAt = now + (long)EvictEvery.TotalMilliseconds;
        int evicted = 0;
        foreach (ConsumerPartition partition in _partitions.Values)
        {
            evicted += partition.Reader.Given.Evict(now - (long)IdleFor.TotalMilliseconds);
        }

        if (evicted > 0)
        {
            _context.Metrics.Evicted(evicted);
            ClientLog.Evicted(_context.Logger, _options.Name, _options.Stream, evicted);
        }
    }
}
