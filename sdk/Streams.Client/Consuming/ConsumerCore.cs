using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>A consumer over all its sessions: opens, receives, hands out, keeps and commits.</summary>
/// <remarks>Decisions are <see cref="PassByReader"/>'s, under one lock that is never held across I/O. Failure: a fault of a session
/// ends that; what cannot be kept on the device stays to be
/// kept, and the cursor behind it. A cluster is never told a cursor that is not on the device's disk (R17).</remarks>
internal sealed partial class ConsumerCore : ISessionUser, IAsyncDisposable
{
    private static readonly TimeSpan KeepEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CloseWithin = TimeSpan.FromSeconds(2);

    // Longer than clusters are expected to be apart (R17): what comes again later than that is given again.
    private static readonly TimeSpan IdleFor = TimeSpan.FromDays(30);
    private static readonly TimeSpan EvictEvery = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, ConsumerPartition> _partitions = [];
    private readonly ReaderOutput _output = new();
    private readonly AsyncSignal _available = new();
    private readonly AsyncSignal _durable = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConsumerContext _context;
    private readonly ConsumerOptions _options;
    private readonly ConsumerKeeper _keeper;
    private readonly ReadyQueue _ready;
    private readonly ITimer _tick;
    private ClusterSession? _session;
    private TaskCompletionSource? _opened;
    private uint _subscription;
    private long _evictAt;
    private int _partitionsTold;
    private Exception? _fault;
    private int _disposed;

    /// <summary>A consumer as it was kept.</summary>
    public ConsumerCore(ConsumerContext context, ConsumerOptions options, long id, IReadOnlyList<KeptPartition> kept)
    {
        _context = context;
        _options = options;
        _ready = new ReadyQueue(context.Options.ReceiveBytes);
        foreach (KeptPartition partition in kept)
        {
            _partitions.Add(partition.Partition.Value, Partition(partition));
        }

        _tick = context.Clock.Time.CreateTimer(_ => OnTick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _keeper = new ConsumerKeeper(context, options, id, Changes, Kept, KeepEvery);
    }

    /// <summary>The options.</summary>
    public ConsumerOptions Options => _options;

    /// <summary>Cancelled when the consumer is disposed.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        await _keeper.KeepAsync().ConfigureAwait(false);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(session.Token, _stop.Token);
        try
        {
            if (!await OpenAsync(session, either.Token).ConfigureAwait(false))
            {
                return;
            }

            while (true)
            {
                await _context.Outbox.LearnAsync(_options.Stream, Volatile.Read(ref _partitionsTold)).ConfigureAwait(false);
                await CommitAsync(session).ConfigureAwait(false);
                await _durable.WaitAsync(either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested && !session.Token.IsCancellationRequested)
        {
            await CommitAsync(session).ConfigureAwait(false);
            await SubscriptionRequests.CloseAsync(session, _subscription).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        bool isDelivery = topic == ProtocolTopics.Deliver;
        bool isReply = topic is ProtocolTopics.SeekReply or ProtocolTopics.LagReply;
        if ((!isDelivery && !isReply && topic != ProtocolTopics.OpenReply) || payload.Length < 4
            || BinaryPrimitives.ReadUInt32LittleEndian(payload.Span) != Volatile.Read(ref _subscription))
        {
            return false;
        }

        string? fault = isDelivery ? Deliver(session, payload) : isReply ? Answered(topic, payload) : Opened(session, payload);
        if (fault is not null)
        {
            session.End($"{session.Cluster}: {fault}");
        }

        return true;
    }

    /// <inheritdoc/>
    public void SessionEnded()
    {
        lock (_lock)
        {
            _session = null;
            foreach (ConsumerPartition partition in _partitions.Values)
            {
                partition.Reader.EndSession();
                partition.Committed = null;
            }
        }
    }

    /// <summary>The next event, if there is one.</summary>
    /// <exception cref="InvalidRequestException">The cluster refused the subscription for good.</exception>
    public ReceivedEvent? Take()
    {
        ReceivedEvent? next;
        uint grant;
        ClusterSession? session;
        lock (_lock)
        {
            next = _ready.Take();
            (session, grant) = Taken(next is not null);
        }

        SubscriptionRequests.Grant(session, _subscription, grant);
        _context.Metrics.Given(next is null ? 0 : 1);
        return next;
    }

    /// <summary>The next events that belong together, if there are any.</summary>
    /// <exception cref="InvalidRequestException">The cluster refused the subscription for good.</exception>
    public ReceivedBatch? TakeBatch()
    {
        ReceivedBatch? next;
        uint grant;
        ClusterSession? session;
        lock (_lock)
        {
            next = _ready.TakeBatch();
            (session, grant) = Taken(next is not null);
        }

        SubscriptionRequests.Grant(session, _subscription, grant);
        _context.Metrics.Given(next?.Count ?? 0);
        return next;
    }

    /// <summary>A payload could not be read.</summary>
    public void CountUnreadable() => _context.Metrics.Unreadable();

    /// <summary>Completes when there may be something to take.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _available.WaitAsync(cancellationToken);

    /// <summary>The cursor as it stands on the device's disk.</summary>
    public Cursor Cursor(PartitionId partition)
    {
        lock (_lock)
        {
            return _partitions.GetValueOrDefault(partition.Value)?.Durable ?? Core.Cursor.Start;
        }
    }

    /// <summary>Keeps and commits what is acknowledged, within a bounded time, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _tick.DisposeAsync().ConfigureAwait(false);
        await _keeper.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _context.Link.RemoveAsync(this).WaitAsync(CloseWithin, _context.Clock.Time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The cluster is told at the next opening: the cursor is kept here.
        }

        SessionEnded();
    }

    private (ClusterSession? Session, uint Grant) Taken(bool any)
    {
        if (!any && _fault is not null)
        {
            throw _fault;
        }

        return (_session, _session is null ? 0 : _ready.TakeGrant());
    }

    private ConsumerPartition Partition(KeptPartition kept) =>
        new(kept, _context.Options, new EventContent(_options.Stream, kept.Partition, Acknowledge, AcknowledgeUpTo));

    private async Task<bool> OpenAsync(ClusterSession session, CancellationToken cancellationToken)
    {
        TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        OpenRequest open;
        lock (_lock)
        {
            _session = session;
            _opened = opened;
            Volatile.Write(ref _subscription, _context.NextSubscription());
            open = new OpenRequest(_subscription, _options.Name, _options.Stream, _options.Filters, _options.Start, _ready.BeginCredit(),
                [.. _partitions.Values.Select(static p => (p.Reader.Partition, p.Durable))]);
        }

        ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Open, Wire.Of(open.Write)).ConfigureAwait(false);
        if (!answer.IsTaken)
        {
            ClientLog.OpenRefused(_context.Logger, _options.Name, _options.Stream, answer.Text);
            lock (_lock)
            {
                _fault = new InvalidRequestException(
                    $"{session.Cluster} refused consumer {_options.Name} of {_options.Stream}: {answer.Text}");
            }

            _available.Set();
            return false;
        }

        await opened.Task.WaitAsync(_context.Options.AnswerTimeout, _context.Clock.Time, cancellationToken).ConfigureAwait(false);
        ClientLog.ConsumerOpened(_context.Logger, _options.Name, _options.Stream, session.Cluster);
        return true;
    }

    private string? Opened(ClusterSession session, ReadOnlyMemory<byte> payload)
    {
        if (OpenReply.Read(payload) is not { } reply)
        {
            return "an answer to open is malformed";
        }

        lock (_lock)
        {
            if (session != _session || _opened is not { } opened)
            {
                return null;
            }

            foreach ((PartitionId id, Cursor cursor) in reply.Cursors)
            {
                if (opened.Task.IsCompleted && _partitions.GetValueOrDefault(id.Value)?.Committed is not null)
                {
                    continue;                            // open already: the reply is for partitions that have come since
                }

                if (!_partitions.TryGetValue(id.Value, out ConsumerPartition? partition))
                {
                    partition = Partition(new KeptPartition(id, Core.Cursor.Start, [], []));
                    _partitions.Add(id.Value, partition);
                }

                int life = partition.Reader.Life;
                partition.Reader.Begin(cursor);
                partition.Committed = cursor;
                TellRewind(partition, life);
            }

            _fault = null;
            _partitionsTold = reply.Partitions;
            opened.TrySetResult();
            _whenOpen.TrySetResult();
        }

        _durable.Set();
        _keeper.Wake();
        return null;
    }

    private string? Deliver(ClusterSession session, ReadOnlyMemory<byte> payload)
    {
        if (Delivery.Read(payload) is not { } delivery)
        {
            return "a delivery is malformed";
        }

        EventBatch? batch = null;
        if (delivery.Kind == DeliveryKind.Events && !EventBatch.TryParse(delivery.Batch, out batch, out string? fault))
        {
            return $"a delivery's batch: {fault}";
        }

        uint grant;
        List<ResumeRequest>? resumes;
        lock (_lock)
        {
            if (session != _session || _opened is not { Task.IsCompleted: true })
            {
                return "a delivery came before the answer to open";
            }

            if (!_partitions.TryGetValue(delivery.Partition.Value, out ConsumerPartition? partition))
            {
                return $"a delivery is for partition {delivery.Partition}, which the answer to open did not name";
            }

            int life = partition.Reader.Life;
            if (partition.Reader.Receive(delivery, batch, _context.Clock.Milliseconds, _output) is { } wrong)
            {
                return wrong;
            }

            session.WasUseful = true;
            TellRewind(partition, life);
            _ready.Owe(payload.Length - Queue(partition, delivery));
            resumes = Decided(partition, null);
            grant = _ready.TakeGrant();
        }

        SubscriptionRequests.Resume(session, resumes);
        SubscriptionRequests.Grant(session, _subscription, grant);
        _keeper.WakeLater();
        return null;
    }

    /// <summary>Queues what was given; gives the credit that it holds. What had been held back has given its credit back
    /// already.</summary>
    private int Queue(ConsumerPartition partition, Delivery? delivery)
    {
        int held = 0;
        foreach (GivenEvents given in _output.Given)
        {
            bool isOfThis = delivery is not null && given.Origin == delivery.Origin && given.Offset >= delivery.From.Value
                && given.Offset < delivery.To.Value;
            int credit = isOfThis ? given.Credit : 0;
            held += credit;
            _ready.Add(given, partition, credit);
        }

        if (_output.Given.Count > 0)
        {
            _available.Set();
        }

        return held;
    }

    private List<ResumeRequest>? Decided(ConsumerPartition partition, List<ResumeRequest>? resumes)
    {
        _context.Metrics.Count(_output);
        if (_output.GapEvents > 0)
        {
            ClientLog.GapPassed(_context.Logger, _options.Name, _options.Stream, partition.Reader.Partition.Value, _output.GapEvents);
        }

        foreach (EventPlace place in _output.Resumes)
        {
            (resumes ??= []).Add(new ResumeRequest(_subscription, partition.Reader.Partition, place.Origin, place.Offset));
        }

        _output.Clear();
        if (partition.Reader.Patience.Next is { } next)
        {
            long wait = Math.Max(1, next - _context.Clock.Milliseconds);
            _tick.Change(TimeSpan.FromMilliseconds(wait), Timeout.InfiniteTimeSpan);
        }

        return resumes;
    }

    private void OnTick()
    {
        if (_disposed != 0)
        {
            return;
        }

        long now = _context.Clock.Milliseconds;
        long? next = null;
        List<ResumeRequest>? resumes = null;
        ClusterSession? session;
        lock (_lock)
        {
            session = _session;
            foreach (ConsumerPartition partition in _partitions.Values)
            {
                partition.Reader.Tick(now, _output);
                if (_output.ReleasedByPatience > 0)
                {
                    ClientLog.PatienceRanOut(_context.Logger, _options.Name, _options.Stream, partition.Reader.Partition.Value,
                        _output.ReleasedByPatience);
                }

                Queue(partition, null);
                resumes = Decided(partition, resumes);
                next = partition.Reader.Patience.Next is { } wait ? Math.Min(next ?? long.MaxValue, wait) : next;
            }

            if (next is { } at)
            {
                _tick.Change(TimeSpan.FromMilliseconds(Math.Max(1, at - now)), Timeout.InfiniteTimeSpan);
            }
        }

        SubscriptionRequests.Resume(session, resumes);
        _keeper.Wake();
    }

    private void Acknowledge(PartitionId partition, EventIdentity first, int count, int life)
    {
        lock (_lock)
        {
            _partitions[partition.Value].Reader.Acknowledge(first, count, life, _context.Clock.Milliseconds);
        }

        _keeper.Wake();
    }

    private List<KeptPartition> Changes()
    {
        List<KeptPartition> changes = [];
        lock (_lock)
        {
            EvictIdle();
            foreach (ConsumerPartition partition in _partitions.Values)
            {
                if (partition.Changes() is { } changed)
                {
                    changes.Add(changed);
                }
            }
        }

        return changes;
    }

    private void Kept(IReadOnlyList<KeptPartition> kept)
    {
        lock (_lock)
        {
            foreach (KeptPartition partition in kept)
            {
                _partitions[partition.Partition.Value].Kept(partition.Cursor);
            }
        }

        _durable.Set();
    }

    private void TellRewind(ConsumerPartition partition, int life)
    {
        if (partition.Reader.Life != life)
        {
            partition.Committed = partition.Reader.Confirmed();
            ClientLog.Rewound(_context.Logger, _options.Name, _options.Stream, partition.Reader.Partition.Value,
                partition.Committed.Generation.Number);
        }
    }
}
