using System.Buffers;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>One subscription of an SDK client: sends the lanes of all partitions of a stream, ungated (rule R19), while there is
/// credit.</summary>
/// <remarks>One loop owns the readers; one slice of one lane is in memory at any moment, and none while there is no credit. Its
/// failure ends the session.</remarks>
internal sealed class SdkSubscription : IAsyncDisposable
{
    private static readonly TimeSpan HorizonPeriod = TimeSpan.FromSeconds(1);

    private readonly MqttSession _session;
    private readonly GatewayServices _services;
    private readonly WakeSignal _wake;
    private readonly SessionInbox _inbox;
    private readonly LaneFiller _filler;
    private readonly SdkFilter _filter;
    private readonly ArrayBufferWriter<byte> _message = new();
    private readonly CancellationTokenSource _stop;
    private Task _loop = Task.CompletedTask;
    private IDisposable? _watch;
    private volatile SdkPartition[] _partitions;
    private long _credit;
    private int _turn;
    private volatile bool _hasNews = true;

    public SdkSubscription(MqttSession session, OpenRequest request, IReadOnlyList<(PartitionId Partition, Cursor Cursor)> cursors)
    {
        _session = session;
        _services = session.Services;
        Number = request.Subscription;
        Consumer = request.Consumer;
        Stream = request.Stream;
        _credit = request.CreditBytes;
        _wake = new WakeSignal(_services.Time);
        _inbox = new SessionInbox(0, _wake.Set);
        _filler = new LaneFiller(_services.Store, _services.Options.ReadBytes, _services.Meter, _services.Log);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(session.Stopping);
        _filter = new SdkFilter(Stream, request.Filters, _services.Access, session.Client.Subject);
        _partitions = [.. cursors.Select(Partition)];
    }

    /// <summary>The number that the client chose.</summary>
    public uint Number { get; }

    /// <summary>The cursor's name.</summary>
    public ConsumerName Consumer { get; }

    /// <summary>The stream.</summary>
    public StreamPath Stream { get; }

    /// <summary>Begins to deliver.</summary>
    public void Start()
    {
        _watch = _services.Store.Watch(Stream, () =>
        {
            _hasNews = true;
            _wake.Set();
        });
        _loop = _session.RunPartAsync(RunAsync);
    }

    /// <summary>The client can take so many bytes more.</summary>
    public void Grant(uint bytes)
    {
        Interlocked.Add(ref _credit, bytes);
        _wake.Set();
    }

    /// <summary>The client has confirmed a cursor (rule R19e); false for a partition that is not of this subscription.</summary>
    public bool Confirm(PartitionId partition, Cursor cursor)
    {
        if (partition.Value >= _partitions.Length)
        {
            return false;
        }

        SdkPartition confirmed = _partitions[partition.Value];
        _ = PostAsync(() => confirmed.Reader.Confirmed(cursor));
        return true;
    }

    /// <summary>Sends a lane again (rule R19f); false for a place that was never sent.</summary>
    public async Task<bool> ResumeAsync(ResumeRequest request)
    {
        if (request.Partition.Value >= _partitions.Length)
        {
            return false;
        }

        bool resumed = false;
        SdkPartition partition = _partitions[request.Partition.Value];
        await PostAsync(() =>
        {
            resumed = partition.Reader.Resume(request.Origin, request.From);
            partition.IsReady = true;
        }).ConfigureAwait(false);
        return resumed;
    }

    /// <summary>Ends it; completes when nothing more is delivered.</summary>
    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _wake.Dispose();
        _stop.Dispose();
    }

    private Task PostAsync(Action action) => _inbox.PostAsync(action);

    private async Task RunAsync(CancellationToken ignored)
    {
        CancellationToken cancellationToken = _stop.Token;
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                _inbox.RunActions();
                TakeNews();
                TimeSpan now = _wake.Now;
                if (await PumpAsync(now, cancellationToken).ConfigureAwait(false))
                {
                    continue;
                }

                await _session.Connection.FlushAsync(cancellationToken).ConfigureAwait(false);
                await _wake.WaitAsync(NextDue(now), cancellationToken).ConfigureAwait(false);
                WakeDue(_wake.Now);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Closed by the client, or with the session.
        }
        finally
        {
            _inbox.Close();
            Array.ForEach(_partitions, static p => p.Reader.DropReadAhead());
        }
    }

    private void TakeNews()
    {
        if (!_hasNews)
        {
            return;
        }

        _hasNews = false;
        AddPartitions();
        foreach (SdkPartition partition in _partitions)
        {
            foreach (LaneStatus status in partition.View.Look())
            {
                partition.Reader.See(status);
            }

            partition.Reader.Observe(_services.Store.Cursor(Consumer, partition.View.Partition));
            partition.IsReady = true;
        }
    }

    // The number of partitions was raised: the client is told where it begins in the new ones, as by the answer to open (decision 0004).
    private void AddPartitions()
    {
        (PartitionId, Cursor)[] grown = SdkDecisions.Grown(_services.Store, Consumer, Stream, _partitions.Length);
        if (grown.Length == 0)
        {
            return;
        }

        SdkPartition[] partitions = [.. _partitions, .. grown.Select(Partition)];
        OpenReply reply = new(Number, _services.Store.Origin, partitions.Length, grown);
        _message.ResetWrittenCount();
        ByteWriter writer = new(_message);
        reply.Write(ref writer);
        _session.Sdk.Send(ProtocolTopics.OpenReply, _message.WrittenMemory);
        _partitions = partitions;
    }

    private SdkPartition Partition((PartitionId Partition, Cursor Cursor) begin)
    {
        PartitionView view = new(_services.Store, _services.Horizon, new StreamPartition(Stream, begin.Partition));
        return new SdkPartition(view,
            new UngatedReader(Number, begin.Partition, view, _filter, begin.Cursor, _services.Options.ReaderLimits));
    }

    // One slice of one lane of the partition whose turn it is; true when there is more to do at once.
    private async ValueTask<bool> PumpAsync(TimeSpan now, CancellationToken cancellationToken)
    {
        for (int i = 0; i < _partitions.Length; i++)
        {
            SdkPartition partition = _partitions[(_turn + i) % _partitions.Length];
            if (!partition.IsReady)
            {
                continue;
            }

            if (!await SendAsync(partition, now, cancellationToken).ConfigureAwait(false))
            {
                partition.Reader.DropReadAhead();
                return false;                        // no credit
            }

            if (!partition.Reader.TryWant(out Origin origin, out Offset from))
            {
                partition.IsReady = false;
                _services.Meter.Add(partition.Reader.Counts, ref partition.Reported);
                continue;
            }

            Offset known = partition.View.Seen.FirstOrDefault(s => s.Lane.Origin == origin).NextOffset;
            await _filler.FillAsync(new LaneId(partition.View.Partition, origin), from, known, now, partition.Reader.Offer,
                partition.Reader.OfferGap, cancellationToken).ConfigureAwait(false);
            if (!await SendAsync(partition, now, cancellationToken).ConfigureAwait(false))
            {
                partition.Reader.DropReadAhead();
                return false;
            }

            _turn = (_turn + i + 1) % _partitions.Length;
            return true;
        }

        return false;
    }

    // False when the credit is used up.
    private async ValueTask<bool> SendAsync(SdkPartition partition, TimeSpan now, CancellationToken cancellationToken)
    {
        while (Interlocked.Read(ref _credit) > 0)
        {
            if (partition.Reader.Next(now) is not { } delivery)
            {
                return true;
            }

            _message.ResetWrittenCount();
            delivery.Write(_message);
            Interlocked.Add(ref _credit, -_message.WrittenCount);
            _session.Sdk.Send(ProtocolTopics.Deliver, _message.WrittenMemory);
            _services.Meter.DeliveryBytes.Add(_message.WrittenCount);
            if (delivery.Kind == DeliveryKind.Events)
            {
                _services.Meter.Deliveries.Add(1);
            }

            if (_session.Connection.UnflushedBytes >= _services.Options.WriteBufferBytes)
            {
                await _session.Connection.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return false;
    }

    private TimeSpan? NextDue(TimeSpan now)
    {
        TimeSpan? due = null;
        foreach (SdkPartition partition in _partitions)
        {
            TimeSpan? next = partition.Reader.IsAwaiting ? now + HorizonPeriod : null;
            if (partition.Reader.NextDeadline is { } deadline && !(next < deadline))
            {
                next = deadline;
            }

            due = next is null || due < next ? due : next;
        }

        return Interlocked.Read(ref _credit) > 0 ? due : null;
    }

    private void WakeDue(TimeSpan now)
    {
        foreach (SdkPartition partition in _partitions)
        {
            partition.IsReady |= partition.Reader.IsAwaiting || partition.Reader.NextDeadline <= now;
        }
    }

    private sealed class SdkPartition(PartitionView view, UngatedReader reader)
    {
        public PartitionView View { get; } = view;

        public UngatedReader Reader { get; } = reader;

        public bool IsReady { get; set; } = true;

        public ReaderCounts Reported;
    }
}
