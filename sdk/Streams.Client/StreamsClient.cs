using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>A device's or back end's door to Streams: publishes through an outbox on disk, consumes under replicated cursors, and goes
/// from cluster to cluster by itself.</summary>
/// <remarks>Safe for use by many threads. Opening needs no network.</remarks>
public sealed class StreamsClient : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<StreamsConsumer> _consumers = [];
    private readonly HashSet<(ConsumerName, StreamPath)> _names = [];
    private readonly OutboxSet _outboxes;
    private readonly EventOutbox _outbox;
    private readonly ClusterLink _link;
    private readonly List<ProducerSender> _senders = [];
    private readonly OutboxRules _rules;
    private readonly ClientMetrics _metrics;
    private readonly ConsumerContext _context;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StreamsClientOptions _options;
    private readonly Disconnection _disconnection;
    private int _disposed;

    private StreamsClient(StreamsClientOptions options, OutboxSet outboxes, IClusterConnector connector, ILogger logger,
        TimeProvider time, Random chance)
    {
        _outboxes = outboxes;
        _outbox = outboxes.Main;
        Refused = new RefusedEvents([_outbox, .. outboxes.Lanes.Select(static l => l.Outbox).Where(o => o != _outbox)]);
        _time = time;
        _logger = logger;
        _options = options;
        _disconnection = new Disconnection(time);
        _metrics = new ClientMetrics(options.Name, () => outboxes.Events, () => outboxes.Bytes);
        _metrics.Observe(outboxes);
        _rules = new OutboxRules(options.OutboxRules);
        _metrics.Damaged(outboxes.Sum(static o => o.Saved?.Missing ?? 0));
        DropReport report = new(_metrics, time, logger);
        SendMeter? meter = options.SendCap is { } cap ? new SendMeter(cap, time) : null;
        SendTurns? turns = outboxes.Lanes.Count > 1 ? new SendTurns() : null;
        foreach (OutboxLane lane in outboxes.Lanes)
        {
            lane.Outbox.Settled = report.Settled;
            lane.Outbox.Rejected = report.Rejected;
            _senders.Add(new ProducerSender(new OutboxEvents(lane.Outbox), options, _metrics, time, logger, meter, turns));
        }

        _link = new ClusterLink(options, connector, _metrics, time, chance, logger)
        {
            Changed = OnConnectionChanged,
            Meter = meter,
        };
        _context = new ConsumerContext(options, _outbox, _link, _metrics, new SteadyClock(time), new Random(chance.Next()), logger);
        _metrics.Observe(Consumers);
        for (int i = 0; i < _senders.Count; i++)
        {
            outboxes.Lanes[i].Outbox.Begin();
            _link.Add(_senders[i]);
        }

        _link.Start();
    }

    /// <summary>The cluster now connected, or <see langword="null"/>.</summary>
    public ClusterName? ConnectedTo => _link.ConnectedTo;

    /// <summary>Whether a session takes events: it may end a moment after <see cref="ConnectedTo"/> tells so.</summary>
    internal bool IsSending => _outboxes.Lanes.Any(static l => l.Outbox.IsSending);

    /// <summary>Events in the outbox that no cluster has confirmed yet.</summary>
    public long OutboxEvents => _outboxes.Events;

    /// <summary>The events that clusters refused for good.</summary>
    public RefusedEvents Refused { get; }

    /// <summary>Raised after each change of <see cref="ConnectedTo"/>, on a pool thread.</summary>
    public event Action<ClusterName?>? ConnectionChanged;

    /// <summary>Opens the outbox and begins to connect in the background.</summary>
    /// <exception cref="ConfigurationException">The options are faulty; all faults are named.</exception>
    /// <exception cref="StorageFailedException">The outbox cannot be opened.</exception>
    public static ValueTask<StreamsClient> OpenAsync(StreamsClientOptions options, ILoggerFactory? logging = null,
        TimeProvider? time = null,
        Random? chance = null, CancellationToken cancellationToken = default) =>
            OpenAsync(options, null, logging, time, chance, cancellationToken);

    internal static async ValueTask<StreamsClient> OpenAsync(StreamsClientOptions options, IClusterConnector? connector,
        ILoggerFactory? logging,
        TimeProvider? time, Random? chance, CancellationToken cancellationToken)
    {
        OptionsCheck.Check(options);
        time ??= TimeProvider.System;
        chance ??= new Random();
        ILogger logger = (logging ?? NullLoggerFactory.Instance).CreateLogger("Streams.Client");
        OutboxSet outboxes = await Task.Run(() => OutboxSet.OpenAsync(options, time, chance, logger), cancellationToken)
            .ConfigureAwait(false);
        try
        {
            return new StreamsClient(options, outboxes, connector ?? new MqttClusterConnector(options, time, logger), logger, time, chance);
        }
        catch
        {
            await outboxes.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Publishes an event. Completes when it is as durable on this device as was asked for; waits while the outbox is full, or
    /// does what <see cref="StreamsClientOptions.OutboxRules"/> declare for its topic: the receipt's outcome tells.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">The topic within it.</param>
    /// <param name="payload">The payload, at most 1 MiB; must not change until the call completes.</param>
    /// <param name="key">Decides the partition instead of the topic, when given.</param>
    /// <param name="headers">Names and values that travel with the event. The trace context of the current activity goes with them,
    /// unless they bring one.</param>
    /// <param name="timestamp">When it happened; default now.</param>
    /// <param name="timeToLive">How long it may wait unsent, 1 ms to 10 years; default what the rule of its topic says.</param>
    /// <param name="durability">How far it must have come for the call to complete; default what the rule of its topic says.</param>
    /// <param name="cancellationToken">Ends the wait for room in the outbox. An event that has been let in is stored all the
    /// same.</param>
    /// <exception cref="InvalidRequestException">Name, key, headers, payload or time to live are over a limit, or a header's name is
    /// kept.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    /// <exception cref="ObjectDisposedException">The client is closed.</exception>
    public ValueTask<PublishReceipt> PublishAsync(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<byte> key = default,
        IReadOnlyList<EventHeader>? headers = null, DateTimeOffset? timestamp = null, TimeSpan? timeToLive = null,
        PublishDurability? durability = null, CancellationToken cancellationToken = default)
    {
        if (timeToLive is { } limit && !OutboxRules.IsValid(limit))
        {
            throw new InvalidRequestException($"a time to live of {limit} is none: 1 ms to 10 years");
        }

        if (durability is { } asked && !Enum.IsDefined(asked))
        {
            throw new InvalidRequestException($"durability {(int)asked} is none");
        }

        PlainEvent content = Content(stream, topic, payload, key, headers, timestamp);
        PublishTerms terms = _rules.For(topic.Value, timeToLive, durability);
        EventOutbox outbox = _outboxes.For(topic.Value);
        return ClientActivities.HasListeners
            ? TracedAsync(outbox, stream, topic, content, headers, terms, cancellationToken)
            : outbox.PublishAsync(stream, content with { Headers = Headers(headers) }, terms, cancellationToken);
    }

    /// <summary>Opens a consumer. Needs no network: it begins to be given events when a cluster is connected.</summary>
    /// <exception cref="InvalidRequestException">A filter is none, or this client has a consumer of that name and stream
    /// open.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    public async ValueTask<StreamsConsumer> ConsumeAsync(ConsumerOptions options, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        Check(options);
        lock (_lock)
        {
            if (!_names.Add((options.Name, options.Stream)))
            {
                throw new InvalidRequestException($"consumer {options.Name} of {options.Stream} is open in this client already");
            }
        }

        try
        {
            (long id, IReadOnlyList<KeptPartition> kept) = await _outbox.RunAsync(
                transaction => ConsumerStore.Load(transaction, options.Name, options.Stream), cancellationToken).ConfigureAwait(false);
            ConsumerCore core = new(_context, options, id, kept);
            StreamsConsumer consumer = new(core, Forget, Prepare);
            lock (_lock)
            {
                _consumers.Add(consumer);
            }

            _link.Add(core);
            return consumer;
        }
        catch
        {
            lock (_lock)
            {
                _names.Remove((options.Name, options.Stream));
            }

            throw;
        }
    }

    /// <summary>Completes when the outbox is empty: everything published is held by a cluster.</summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _outboxes.WhenEmptyAsync(cancellationToken);

    /// <summary>How the client is doing. Asks the outbox's file, behind what is being written.</summary>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    /// <exception cref="ObjectDisposedException">The client is closed.</exception>
    public async ValueTask<ClientStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        DateTimeOffset? oldest = null;
        List<ClassStatus> classes = [];
        foreach (OutboxLane lane in _outboxes.Lanes)
        {
            EventOutbox outbox = lane.Outbox;
            DateTimeOffset? first = outbox.Events == 0 ? null : await outbox.RunAsync(
                static transaction => OldestEvent.Find(transaction.Database), cancellationToken).ConfigureAwait(false);
            oldest = oldest is null || first < oldest ? first ?? oldest : oldest;
            classes.Add(new ClassStatus(lane.Class, lane.IsPassing, outbox.Path, outbox.Events, outbox.Gate.Inside, lane.Bytes));
        }

        return new ClientStatus(ConnectedTo, _disconnection.Lasts, classes.Sum(static c => c.OutboxEvents),
            classes.Sum(static c => c.OutboxBytes), classes.Sum(static c => c.OutboxLimit), oldest) { Classes = classes };
    }

    /// <summary>Stops publishing, tries for a bounded time (<see cref="ClusterOptions.CloseWithin"/>) to send what waits, and closes.
    /// What is not sent stays in the outbox.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            await _outboxes.WhenEmptyAsync(CancellationToken.None).WaitAsync(_options.CloseWithin, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            ClientLog.ClosedWithEvents(_logger, _outboxes.Events);
        }

        StreamsConsumer[] consumers;
        lock (_lock)
        {
            consumers = [.. _consumers];
        }

        await Task.WhenAll(consumers.Select(static c => c.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _link.DisposeAsync().ConfigureAwait(false);
        await _outboxes.DisposeAsync().ConfigureAwait(false);
        foreach (ProducerSender sender in _senders)
        {
            sender.Dispose();
        }

        _metrics.Dispose();
    }

    private static void Check(ConsumerOptions options)
    {
        if (options.Stream.Value.Length == 0 || options.Name.Value.Length == 0)
        {
            throw new InvalidRequestException("a consumer needs a name and a stream");
        }

        if (options.Filters.Count > OpenRequest.MaxFilters)
        {
            throw new InvalidRequestException(
                $"a consumer has at most {OpenRequest.MaxFilters} filters, {options.Filters.Count} were given");
        }

        foreach (string filter in options.Filters)
        {
            if (TopicFilter.FaultInFilter(filter, shares: false) is { } fault)
            {
                throw new InvalidRequestException($"filter '{filter}': {fault}");
            }
        }
    }

    private PlainEvent Content(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key,
        IReadOnlyList<EventHeader>? headers, DateTimeOffset? timestamp)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (stream.Value.Length == 0 || topic.Value.Length == 0)
        {
            throw new InvalidRequestException("an event needs a stream and a topic");
        }

        if (payload.Length > EventLimits.MaxPayloadBytes || key.Length > EventLimits.MaxKeyBytes)
        {
            throw new InvalidRequestException($"payload takes {payload.Length} bytes and key {key.Length},"
                + $" at most {EventLimits.MaxPayloadBytes} and {EventLimits.MaxKeyBytes} are allowed");
        }

        GapHeaders.Check(headers);
        long at = (timestamp ?? _time.GetUtcNow()).UtcTicks / TimeSpan.TicksPerMicrosecond - (
            DateTimeOffset.UnixEpoch.UtcTicks / TimeSpan.TicksPerMicrosecond);
        return new PlainEvent(Encoding.UTF8.GetBytes(topic.Value), key, default, payload, at);
    }

    private PlainEvent Prepare(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key,
        IReadOnlyList<EventHeader>? headers) =>
        Content(stream, topic, payload, key, headers, null) with { Headers = Headers(headers) };

    private async ValueTask<PublishReceipt> TracedAsync(EventOutbox outbox, StreamPath stream, TopicName topic, PlainEvent content,
        IReadOnlyList<EventHeader>? headers, PublishTerms terms, CancellationToken cancellationToken)
    {
        using Activity? activity = ClientActivities.Publish(stream, content, topic);
        try
        {
            return await outbox.PublishAsync(stream, content with { Headers = Headers(headers) }, terms, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e)
        {
            ClientActivities.Fail(activity, e);
            throw;
        }
    }

    private ReadOnlyMemory<byte> Headers(IReadOnlyList<EventHeader>? headers) =>
        TraceHeaders.Encode(headers, _options.StoreTraceContext ? Activity.Current : null);

    private void OnConnectionChanged(ClusterName? cluster)
    {
        _disconnection.Note(cluster is not null);
        _outboxes.Connection(cluster is not null);
        ConnectionChanged?.Invoke(cluster);
    }

    private IReadOnlyList<StreamsConsumer> Consumers()
    {
        lock (_lock)
        {
            return [.. _consumers];
        }
    }

    private void Forget(StreamsConsumer consumer)
    {
        lock (_lock)
        {
            _consumers.Remove(consumer);
            _names.Remove((consumer.Options.Name, consumer.Options.Stream));
        }
    }
}
