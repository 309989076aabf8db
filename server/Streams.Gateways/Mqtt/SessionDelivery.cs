using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Gives one MQTT client its events: one loop that owns the session's filters, readers and window.</summary>
/// <remarks>There is no queue: a session is filters and cursors. At any moment one slice of one lane is in memory
/// (<see cref="MqttGatewayOptions.ReadBytes"/>, or one
/// batch), and <see cref="MqttGatewayOptions.WriteBufferBytes"/> of written packets; when the window is full for a second, the slice
/// goes too.
/// Failure: what is thrown in the loop ends the session (<see cref="RunAsync"/> throws it).</remarks>
internal sealed class SessionDelivery : IDisposable
{
    private static readonly TimeSpan HorizonPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepSlice = TimeSpan.FromSeconds(1);

    private readonly GatewayServices _services;
    private readonly MqttConnection _connection;
    private readonly ClientInfo _client;
    private readonly WakeSignal _wake;
    private readonly StreamReadings _streams;
    private readonly LaneFiller _filler;
    private readonly OutboundWindow _window;
    private readonly EventPublisher _publisher;
    private readonly CursorCommitter _committer;
    private readonly SessionInbox _inbox;
    private readonly RetainedSender _retained;
    private readonly DeliveryExchange _exchange;
    private readonly Queue<PartitionReading> _queue = new();
    private readonly HashSet<PartitionReading> _waiting = [];
    private bool _sharesFirst;
    private TimeSpan? _fullSince;
    private TimeSpan? _horizonDue;
    private volatile bool _streamsChanged = true;

    public SessionDelivery(GatewayServices services, MqttConnection connection, ReplyWriter replies, ClientInfo client,
        SessionSubscriptions subscriptions, OutboundWindow window, ProducerId producer, string owner)
    {
        _services = services;
        _connection = connection;
        _client = client;
        Subscriptions = subscriptions;
        _wake = new WakeSignal(services.Time);
        _streams = new StreamReadings(services, client, subscriptions, _wake.Set);
        _filler = new LaneFiller(services.Store, services.Options.ReadBytes, services.Meter, services.Log);
        _window = window;
        _publisher = new EventPublisher(services, connection, client, _window);
        _committer = new CursorCommitter(services, client, (partition, cursor) => window.Passed(partition.Partition, cursor));
        _inbox = new SessionInbox((2 * client.Window) + window.Count, _wake.Set);
        _exchange = new DeliveryExchange(services, replies, client, window, _publisher, producer, owner,
            partition => Find(partition) ?? new PartitionReading(services, partition, TopicMap.Prefix(partition.Stream) ?? string.Empty,
                subscriptions, client.Subject, Cursor.Start) { IsEnded = true });
        _retained = new RetainedSender(services, connection, client, subscriptions, _publisher, _window, Find, OnReleased);
        Shares = new SessionShares(services, client, _wake.Set);
        BeginOwed();
        _streams.Ended = _window.Forget;
        services.Roster.Add(OnNewStreams);
    }

    /// <summary>The filters; touch them only from an action given to <see cref="PostAsync"/>.</summary>
    public SessionSubscriptions Subscriptions { get; }

    /// <summary>Retained messages for new filters; touch it only from an action.</summary>
    public RetainedSender Retained => _retained;

    /// <summary>The groups that the session is a member of.</summary>
    public SessionShares Shares { get; }

    /// <summary>Runs an action on the loop, between two decisions.</summary>
    public Task PostAsync(Action action) => _inbox.PostAsync(action);

    /// <summary>The client has a message (PUBACK, PUBREC), or is done with it (PUBCOMP).</summary>
    public void Acknowledge(MqttPublishReply reply) => _inbox.Acknowledge(reply);

    /// <summary>Whether something that an earlier connection sent is not acknowledged to the end.</summary>
    public bool HasUnfinished => _window.HasUnfinished;

    /// <summary>Writes down what is kept of the window. Only behind the loop.</summary>
    public ValueTask WriteWindowAsync(CancellationToken cancellationToken) => _exchange.WriteAsync(cancellationToken);

    /// <summary>Where the session is in a partition that it reads; <see langword="null"/> when it does not. Only from an action.</summary>
    public PartitionReading? Find(StreamPartition partition) =>
        _streams.Find(partition.Stream)?.Partitions.Find(p => p.Partition == partition);

    /// <summary>Filters changed: looks which streams they cover now. Only from an action.</summary>
    public void Cover() => _streams.Cover();

    /// <summary>Gives events until it is canceled; throws what failed.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            _exchange.ReleaseRestored();
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                TimeSpan now = _wake.Now;
                TakeIn(now);
                await _exchange.ReleaseAsync(cancellationToken).ConfigureAwait(false);
                _sharesFirst = !_sharesFirst;        // in turn, or the one would take all of a small window
                await GiveSharedAsync(_sharesFirst, cancellationToken).ConfigureAwait(false);
                bool goesOn = await _retained.StepAsync(cancellationToken).ConfigureAwait(false);
                goesOn |= await PumpAsync(now, cancellationToken).ConfigureAwait(false);
                await GiveSharedAsync(!_sharesFirst, cancellationToken).ConfigureAwait(false);
                if (goesOn)
                {
                    continue;
                }

                TimeSpan? commitDue = _committer.Run(now, _wake.Set);
                await _connection.FlushAsync(cancellationToken).ConfigureAwait(false);
                await _wake.WaitAsync(NextDue(now, commitDue), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _inbox.Close();
        }
    }

    /// <summary>Behind the loop: commits what was confirmed.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        TakeAcknowledged(_wake.Now);
        Task shares = Shares.EndAsync();
        await _committer.FinishAsync(_streams.Partitions, cancellationToken).ConfigureAwait(false);
        await shares.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets everything go.</summary>
    public void Dispose()
    {
        _ = Shares.EndAsync();
        _services.Roster.Remove(OnNewStreams);
        _exchange.Dispose();
        _streams.Dispose();
        _wake.Dispose();
    }

    // What a kept session was owed when its connection ended.
    private void BeginOwed()
    {
        foreach (Subscription subscription in Subscriptions.All.Where(static s => s.RetainedOwedFrom is not null).ToArray())
        {
            if (!_retained.Begin(subscription.Filter))
            {
                Subscriptions.Set(subscription with { RetainedOwedFrom = null });
            }
        }

        _retained.Start();
    }

    // The retained messages of a stream were sent: what comes from its lanes follows.
    private void OnReleased(StreamPath stream) => _streams.Find(stream)?.Partitions.ForEach(Enqueue);

    private void OnNewStreams()
    {
        _streamsChanged = true;
        _wake.Set();
    }

    private void TakeIn(TimeSpan now)
    {
        _inbox.RunActions();
        TakeAcknowledged(now);
        if (_streamsChanged)
        {
            _streamsChanged = false;
            _streams.Cover();
        }

        foreach (PartitionReading partition in _streams.TakeNews())
        {
            if (partition.IsRewound)
            {
                partition.IsRewound = false;
                _window.Forget(partition.Partition);
            }

            Enqueue(partition);
        }

        if (_horizonDue <= now)
        {
            _horizonDue = null;
            foreach (PartitionReading partition in _waiting)
            {
                Enqueue(partition);
            }
        }

        if (_fullSince is { } since && now - since >= KeepSlice && _queue.TryPeek(out PartitionReading? stalled))
        {
            stalled.Reader.DropReadAhead();
        }
    }

    private void TakeAcknowledged(TimeSpan now)
    {
        foreach (MqttPublishReply reply in _inbox.TakeAcknowledged())
        {
            if (!_exchange.Take(reply, out InFlight message))
            {
                continue;
            }

            _fullSince = null;
            message.Owner?.Done(message.Ticket);
            if (message.Reading is { } partition)
            {
                partition.Reader.Confirm(message.Ticket);
                partition.GivenSinceCommit = true;
                _committer.Note(partition, now);
            }
            else if (message.Owner is null)
            {
                _retained.Acknowledge(reply.PacketId);    // it stands for no place of a cursor
            }
        }
    }

    private void Enqueue(PartitionReading partition)
    {
        if (!partition.IsQueued && !partition.IsEnded && !_retained.Holds(partition.Partition.Stream))
        {
            partition.IsQueued = true;
            _queue.Enqueue(partition);
        }
    }

    // One slice of one lane of one partition; true when there is more to do at once.
    private async ValueTask<bool> PumpAsync(TimeSpan now, CancellationToken cancellationToken)
    {
        if (!await _exchange.SendAgainAsync(_connection, cancellationToken).ConfigureAwait(false))
        {
            return false;                                // what was sent before comes first
        }

        if (!_queue.TryPeek(out PartitionReading? partition))
        {
            return false;
        }

        if (_retained.Holds(partition.Partition.Stream))
        {
            partition.Reader.DropReadAhead();
            _queue.Dequeue();
            partition.IsQueued = false;
            return _queue.Count > 0;
        }

        bool filled = false;
        while (!partition.IsEnded)
        {
            await GiveAsync(partition, now, cancellationToken).ConfigureAwait(false);
            if (_window.IsFull)
            {
                _fullSince ??= now;
                _committer.Note(partition, now);
                return false;
            }

            if (filled || !partition.Reader.TryWant(out Origin origin, out Offset from))
            {
                break;
            }

            filled = true;
            Offset known = partition.View.Seen.FirstOrDefault(s => s.Lane.Origin == origin).NextOffset;
            await _filler.FillAsync(new LaneId(partition.Partition, origin), from, known, now, partition.Reader.Offer,
                partition.Reader.OfferGap, cancellationToken).ConfigureAwait(false);
        }

        _queue.Dequeue();
        partition.IsQueued = false;
        Leave(partition, now, filled);
        return _queue.Count > 0;
    }

    private void Leave(PartitionReading partition, TimeSpan now, bool filled)
    {
        _committer.Note(partition, now);
        ReaderCounts before = partition.Reported;
        ReaderCounts counts = partition.Reader.Counts;
        if (counts.ReleasedByPatience > before.ReleasedByPatience)
        {
            GatewayLog.PatienceRanOut(_services.Log, _client.ClientId, partition.Partition.ToString());
        }

        if (counts.GapEvents > before.GapEvents)
        {
            GatewayLog.SteppedOverGap(_services.Log, _client.ClientId, counts.GapEvents - before.GapEvents,
                partition.Partition.ToString());
        }

        _services.Meter.Add(counts, ref partition.Reported);
        if (partition.Reader.IsWaiting && !partition.IsEnded)
        {
            _waiting.Add(partition);
        }
        else
        {
            _waiting.Remove(partition);
        }

        if (filled)
        {
            Enqueue(partition);
        }
    }

    private async ValueTask GiveAsync(PartitionReading partition, TimeSpan now, CancellationToken cancellationToken)
    {
        while (!_window.IsFull && partition.Reader.TryNext(now, out GivenEvent given))
        {
            partition.GivenSinceCommit = true;
            _publisher.Publish(partition, given);
            if (_publisher.StagedBytes >= _services.Options.WriteBufferBytes)
            {
                await _exchange.SendStagedAsync(cancellationToken).ConfigureAwait(false);
            }

            if (_connection.UnflushedBytes >= _services.Options.WriteBufferBytes)
            {
                await _connection.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        await _exchange.SendStagedAsync(cancellationToken).ConfigureAwait(false);
    }

    // Writes what groups have handed over, as far as the window goes, and tells them how far that is.
    private async ValueTask GiveSharedAsync(bool isTurn, CancellationToken cancellationToken)
    {
        ShareMember[] members = Shares.Members;
        if (!isTurn || members.Length == 0)
        {
            return;
        }

        Shares.ThrowIfFailed();
        foreach (ShareMember member in members)
        {
            while (Subscriptions.Find(member.Name.Text) is { } subscription && !_window.IsFull && member.TryTake(out ShareMessage message))
            {
                try
                {
                    _publisher.PublishShared(message, subscription, member);
                }
                finally
                {
                    message.Release();
                }

                if (_connection.UnflushedBytes >= _services.Options.WriteBufferBytes)
                {
                    await _connection.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }

        Shares.SetRoom(_window.Room);
    }

    private TimeSpan? NextDue(TimeSpan now, TimeSpan? due)
    {
        if (_fullSince is { } since && now - since < KeepSlice)
        {
            due = Earlier(due, since + KeepSlice);
        }

        if (_waiting.Count > 0)
        {
            _horizonDue ??= now + HorizonPeriod;
            foreach (PartitionReading partition in _waiting)
            {
                if (partition.Reader.NextDeadline(now) is { } deadline)
                {
                    _horizonDue = Earlier(_horizonDue, deadline);
                }
            }

            due = Earlier(due, _horizonDue!.Value);
        }

        return due;
    }

    private static TimeSpan Earlier(TimeSpan? a, TimeSpan b) => a is { } known && known < b ? known : b;
}
