using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;

namespace Streams.Client;

/// <summary>Publishes without an outbox, for back ends that keep their input until it is acknowledged: an event is done when a cluster has
/// it on disk. Goes from cluster to cluster by itself; while the process lives nothing is lost, nothing stored twice, and the events of a
/// topic or key stay in the order of the calls.</summary>
/// <remarks>Safe for use by many threads. Each opening is a producer of its own: what was not acknowledged when the process ended may be
/// stored or not, and publishing it again stores it again. A device that must not forget uses <see cref="StreamsClient"/>.</remarks>
public sealed class StreamsProducer : IAsyncDisposable
{
    private readonly StreamsProducerOptions _options;
    private readonly MemoryEvents _events;
    private readonly ClusterLink _link;
    private readonly ProducerSender _sender;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private int _disposed;

    private StreamsProducer(StreamsProducerOptions options, IClusterConnector connector, ILogger logger, TimeProvider time, Random chance)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _events = new MemoryEvents(ProducerId.Create(chance), unchecked((ulong)chance.NextInt64(long.MinValue, long.MaxValue)),
            options.MemoryBytes, options.BatchBytes);
        _metrics = new ClientMetrics(options.Name, () => _events.Events, () => _events.Bytes);
        _events.Told = _metrics.Published;
        SendMeter? meter = options.SendCap is { } cap ? new SendMeter(cap, time) : null;
        _sender = new ProducerSender(_events, options, _metrics, time, logger, meter);
        _link = new ClusterLink(options, connector, _metrics, time, chance, logger)
        {
            Changed = cluster => ConnectionChanged?.Invoke(cluster),
            Meter = meter,
        };
        _link.Add(_sender);
        _link.Start();
    }

    /// <summary>The cluster now connected, or <see langword="null"/>.</summary>
    public ClusterName? ConnectedTo => _link.ConnectedTo;

    /// <summary>Events that no cluster has confirmed yet.</summary>
    public long Waiting => _events.Events;

    /// <summary>Raised after each change of <see cref="ConnectedTo"/>, on a pool thread.</summary>
    public event Action<ClusterName?>? ConnectionChanged;

    /// <summary>Begins to connect in the background.</summary>
    /// <exception cref="ConfigurationException">The options are faulty; all faults are named.</exception>
    public static StreamsProducer Open(StreamsProducerOptions options, ILoggerFactory? logging = null, TimeProvider? time = null,
        Random? chance = null) => Open(options, null, logging, time, chance);

    internal static StreamsProducer Open(StreamsProducerOptions options, IClusterConnector? connector, ILoggerFactory? logging,
        TimeProvider? time, Random? chance)
    {
        OptionsCheck.Check(options);
        time ??= TimeProvider.System;
        ILogger logger = (logging ?? NullLoggerFactory.Instance).CreateLogger("Streams.Client");
        connector ??= new MqttClusterConnector(options, time, logger);
        return new StreamsProducer(options, connector, logger, time, chance ?? new Random());
    }

    /// <summary>Publishes an event. Completes when a cluster has it on disk, with where it stands; waits while
    /// <see cref="StreamsProducerOptions.MemoryBytes"/> are used.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">The topic within it.</param>
    /// <param name="payload">The payload, at most 1 MiB; it is copied before the call returns, or, where the call has to wait for room,
    /// when there is some: then it must not change until the call completes.</param>
    /// <param name="key">Decides the partition instead of the topic, when given.</param>
    /// <param name="headers">Names and values that travel with the event.</param>
    /// <param name="timestamp">When it happened; default now.</param>
    /// <param name="cancellationToken">Ends the wait for room. An event that has been let in is sent all the same.</param>
    /// <exception cref="InvalidRequestException">Name, key, headers or payload are over a limit, or the cluster refused the event for
    /// good.</exception>
    /// <exception cref="ObjectDisposedException">The producer is closed; when it was closed meanwhile, nobody knows whether a cluster has
    /// the event.</exception>
    public ValueTask<StoredEvent> PublishAsync(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<byte> key = default, IReadOnlyList<EventHeader>? headers = null, DateTimeOffset? timestamp = null,
        CancellationToken cancellationToken = default)
    {
        PendingEvent pending = new();
        ValueTask taken = AddAsync(stream, topic, payload, key, headers, timestamp, pending, cancellationToken);
        return taken.IsCompletedSuccessfully ? pending.Stored : BothAsync();

        async ValueTask<StoredEvent> BothAsync()
        {
            await taken.ConfigureAwait(false);
            return await pending.Stored.ConfigureAwait(false);
        }
    }

    /// <summary>Takes an event to be published. Completes when it is in memory, at once while there is room; <see cref="FlushAsync"/> tells
    /// when it is stored. The fastest way to publish many.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">The topic within it.</param>
    /// <param name="payload">As in <see cref="PublishAsync"/>.</param>
    /// <param name="key">Decides the partition instead of the topic, when given.</param>
    /// <param name="headers">Names and values that travel with the event.</param>
    /// <param name="timestamp">When it happened; default now.</param>
    /// <param name="cancellationToken">Ends the wait for room.</param>
    /// <exception cref="InvalidRequestException">Name, key, headers or payload are over a limit.</exception>
    /// <exception cref="ObjectDisposedException">The producer is closed.</exception>
    public ValueTask EnqueueAsync(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload,
        ReadOnlyMemory<byte> key = default, IReadOnlyList<EventHeader>? headers = null, DateTimeOffset? timestamp = null,
        CancellationToken cancellationToken = default) =>
        AddAsync(stream, topic, payload, key, headers, timestamp, null, cancellationToken);

    /// <summary>Completes when every event taken so far is held by a cluster.</summary>
    /// <exception cref="InvalidRequestException">A cluster refused one of them for good; it tells the first refusal, the others are
    /// stored.</exception>
    /// <exception cref="ObjectDisposedException">The producer was closed meanwhile.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _events.FlushAsync().WaitAsync(cancellationToken);

    /// <summary>Stops publishing, tries for a bounded time (<see cref="ClusterOptions.CloseWithin"/>) to send what waits, and closes. What
    /// is not sent by then is given up: its calls fail, and the log tells how many.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            await _events.FlushAsync().WaitAsync(_options.CloseWithin, _time).ConfigureAwait(false);
        }
        catch (InvalidRequestException)
        {
            // Told to the publisher and logged.
        }
        catch (TimeoutException)
        {
            ClientLog.ClosedWithLoss(_logger, _events.Events);
        }

        _events.Close(new ObjectDisposedException(nameof(StreamsProducer)));
        await _link.DisposeAsync().ConfigureAwait(false);
        _sender.Dispose();
        _metrics.Dispose();
    }

    private ValueTask AddAsync(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key,
        IReadOnlyList<EventHeader>? headers, DateTimeOffset? timestamp, PendingEvent? pending, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (stream.Value.Length == 0 || topic.Value.Length == 0)
        {
            throw new InvalidRequestException("an event needs a stream and a topic");
        }

        GapHeaders.Check(headers);
        long at = (timestamp ?? _time.GetUtcNow()).UtcTicks / TimeSpan.TicksPerMicrosecond
            - DateTimeOffset.UnixEpoch.UtcTicks / TimeSpan.TicksPerMicrosecond;
        return _events.AddAsync(stream, topic,
            new PlainEvent(default, key, TraceHeaders.Encode(headers, _options.StoreTraceContext ? Activity.Current : null), payload, at),
            pending, cancellationToken);
    }
}
