using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Fetches one stream from whichever cluster the agent is connected to, and keeps its lanes in the store: devices that sleep get
/// them later. What is not on disk here is not committed there.</summary>
/// <remarks>Lanes come as the cluster has them, and stand here under their offsets; who waits for what, and which copies are skipped, the
/// gateway decides when it delivers, as at a cluster. Failure: the session's end changes nothing; the next one begins at the cursor. A
/// store without room makes it wait, and the cluster with it.</remarks>
internal sealed class Downlink : ISessionUser, IAsyncDisposable
{
    private const int MaxTogether = 256;             // deliveries of one transaction

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(1);
    private static int _subscriptions;

    private readonly Lock _lock = new();
    private readonly DownlinkStream _options;
    private readonly LocalStore _store;
    private readonly ClusterLink _link;
    private readonly TimeSpan _answerTimeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<PartitionId, DownCursor> _cursors = [];
    private readonly ConcurrentDictionary<LaneId, Offset> _released = [];
    private Channel<(Delivery Delivery, int Bytes)> _received = Channel.CreateUnbounded<(Delivery, int)>();
    private TaskCompletionSource? _opened;
    private ClusterSession? _session;
    private uint _subscription;
    private int _partitions;

    /// <summary>A downlink; it begins when it is added to the link.</summary>
    public Downlink(DownlinkStream options, LocalStore store, ClusterLink link, TimeSpan answerTimeout, TimeProvider time, ILogger logger)
    {
        _options = options;
        _store = store;
        _link = link;
        _answerTimeout = answerTimeout;
        _time = time;
        _logger = logger;
    }

    /// <summary>The stream.</summary>
    public StreamPath Stream => _options.Stream;

    /// <summary>Whether a cluster sends it now.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_lock)
            {
                return _session is not null && _opened is { Task.IsCompletedSuccessfully: true };
            }
        }
    }

    /// <summary>Whether the cluster that sends it now said that nothing more of a lane comes, and all before that is here.</summary>
    public bool IsReleased(LaneId lane) =>
        _released.TryGetValue(lane, out Offset end) && (_store.Lane(lane)?.NextOffset ?? Offset.Zero) >= end;

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(session.Token, _stop.Token);
        try
        {
            if (await OpenAsync(session, either.Token).ConfigureAwait(false))
            {
                await TakeAsync(session, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested && !session.Token.IsCancellationRequested)
        {
            await SubscriptionRequests.CloseAsync(session, _subscription).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        bool isDelivery = topic == ProtocolTopics.Deliver;
        if ((!isDelivery && topic != ProtocolTopics.OpenReply) || payload.Length < 4
            || BinaryPrimitives.ReadUInt32LittleEndian(payload.Span) != Volatile.Read(ref _subscription))
        {
            return false;
        }

        string? fault = isDelivery ? Deliver(session, payload) : Opened(session, payload);
        if (fault is not null)
        {
            session.End($"{session.Cluster}: {_options.Stream}: {fault}");
        }

        return true;
    }

    /// <inheritdoc/>
    public void SessionEnded()
    {
        lock (_lock)
        {
            _session = null;
            _opened = null;
        }
    }

    /// <summary>Ends it; what is stored stays, and so does the cursor.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _link.RemoveAsync(this).WaitAsync(_answerTimeout, _time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The cluster is told at the next opening.
        }

        SessionEnded();
    }

    private async Task<bool> OpenAsync(ClusterSession session, CancellationToken cancellationToken)
    {
        int partitions = (_store.Settings(_options.Stream) ?? StreamSettings.Default).Partitions;
        List<(PartitionId, Cursor)> local = [];
        for (int i = 0; i < partitions; i++)
        {
            PartitionId partition = new(i);
            Cursor cursor = _store.Cursor(_options.Consumer, new StreamPartition(_options.Stream, partition));
            if (!ReferenceEquals(cursor, Cursor.Start))
            {
                local.Add((partition, cursor));
            }
        }

        TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        OpenRequest open;
        lock (_lock)
        {
            _session = session;
            _opened = opened;
            _cursors.Clear();
            _released.Clear();
            _received = Channel.CreateUnbounded<(Delivery, int)>();     // bounded by credit
            Volatile.Write(ref _subscription, (uint)Interlocked.Increment(ref _subscriptions));
            open = new OpenRequest(_subscription, _options.Consumer, _options.Stream, _options.Filters, _options.Start,
                _options.CreditBytes, local);
        }

        ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Open, Wire.Of(open.Write)).ConfigureAwait(false);
        if (!answer.IsTaken)
        {
            DownlinkLog.Refused(_logger, session.Cluster, _options.Stream, answer.Text);
            return false;
        }

        await opened.Task.WaitAsync(_answerTimeout, _time, cancellationToken).ConfigureAwait(false);
        DownlinkLog.Opened(_logger, session.Cluster, _options.Stream, _options.Consumer);
        return true;
    }

    private async Task TakeAsync(ClusterSession session, CancellationToken cancellationToken)
    {
        ChannelReader<(Delivery Delivery, int Bytes)> received = _received.Reader;
        Task committing = Task.CompletedTask;
        Dictionary<PartitionId, Cursor> uncommitted = [];
        while (await received.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            await LearnAsync().ConfigureAwait(false);
            uint bytes = 0;
            List<DownStretch> stretches = [];
            Dictionary<PartitionId, Cursor> moved = [];
            while (stretches.Count < MaxTogether && received.TryRead(out (Delivery Delivery, int Bytes) one))
            {
                bytes += (uint)one.Bytes;
                Take(one.Delivery, stretches, moved);
            }

            await StoreAsync(stretches, moved, cancellationToken).ConfigureAwait(false);
            SubscriptionRequests.Grant(session, _subscription, bytes);
            foreach ((PartitionId partition, Cursor cursor) in moved)
            {
                uncommitted[partition] = cursor;
            }

            if (committing.IsCompleted || !received.TryPeek(out _))
            {
                await committing.ConfigureAwait(false);
                committing = SubscriptionRequests.CommitAsync(session,
                    [.. uncommitted.Select(c => new CommitRequest(_subscription, c.Key, c.Value))]);
                uncommitted.Clear();
            }
        }
    }

    private void Take(Delivery delivery, List<DownStretch> stretches, Dictionary<PartitionId, Cursor> moved)
    {
        DownCursor cursor = _cursors[delivery.Partition];
        if (!cursor.Take(delivery))
        {
            throw new InvalidFormatException($"{_options.Stream}#{delivery.Partition}@{delivery.Origin}: {delivery.From} was delivered,"
                + $" {cursor.Cursor[delivery.Origin]} is next");
        }

        moved[delivery.Partition] = cursor.Cursor;
        if (delivery.Kind is DeliveryKind.Events or DeliveryKind.Advance or DeliveryKind.Gap)
        {
            stretches.Add(DownStretches.Of(_options.Stream, delivery));
        }

        if (delivery.Kind == DeliveryKind.Released)
        {
            _released[new LaneId(new StreamPartition(_options.Stream, delivery.Partition), delivery.Origin)] = delivery.To;
        }
        else if (delivery.Kind == DeliveryKind.Gap)
        {
            DownlinkLog.Gap(_logger, new LaneId(new StreamPartition(_options.Stream, delivery.Partition), delivery.Origin),
                delivery.To - delivery.From);
        }
    }

    // Nothing is granted meanwhile, so the cluster waits too.
    private async Task StoreAsync(List<DownStretch> stretches, Dictionary<PartitionId, Cursor> moved, CancellationToken cancellationToken)
    {
        int cost = 256;
        foreach (DownStretch stretch in stretches)
        {
            cost += 256 + stretch.Batches.Sum(static b => b.Batch.Bytes.Length + 256);
        }

        bool told = false;
        while (true)
        {
            try
            {
                DownOperation operation = new(_options.Consumer, stretches,
                    [.. moved.Select(m => (new StreamPartition(_options.Stream, m.Key), m.Value))]) { Cost = cost };
                await _store.RunAsync(operation, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StreamsException e) when (e is TryAgainException or StorageFailedException)
            {
                if (!told)
                {
                    DownlinkLog.Waits(_logger, _options.Stream, e.Message);
                    told = true;
                }
            }

            await Task.Delay(TryAgainAfter, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    // What devices publish to the stream here is to go to the partitions that it has there.
    private async Task LearnAsync()
    {
        int partitions = Volatile.Read(ref _partitions);
        StreamSettings settings = await _store.EnsureStreamAsync(_options.Stream, _stop.Token).ConfigureAwait(false);
        if (settings.Partitions < partitions)
        {
            await _store.SetRegisterAsync(_options.Stream, StreamSettings.RegisterKey, (settings with { Partitions = partitions }).Write(),
                _stop.Token).ConfigureAwait(false);
        }
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

            foreach ((PartitionId partition, Cursor cursor) in reply.Cursors)
            {
                _cursors.TryAdd(partition, new DownCursor(cursor));
            }

            Volatile.Write(ref _partitions, reply.Partitions);
            opened.TrySetResult();
        }

        return null;
    }

    private string? Deliver(ClusterSession session, ReadOnlyMemory<byte> payload)
    {
        if (Delivery.Read(payload) is not { } delivery)
        {
            return "a delivery is malformed";
        }

        lock (_lock)
        {
            if (session != _session)
            {
                return null;
            }

            if (_opened is not { Task.IsCompleted: true } || !_cursors.ContainsKey(delivery.Partition))
            {
                return $"a delivery is for partition {delivery.Partition}, which no answer to open named";
            }

            session.WasUseful = true;
            _received.Writer.TryWrite((delivery, payload.Length));
        }

        return null;
    }
}
