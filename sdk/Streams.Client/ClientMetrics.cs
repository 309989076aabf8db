using System.Diagnostics.Metrics;

namespace Streams.Client;

/// <summary>What the client counts: the meter <c>Streams.Client</c>. Each client has instruments of its own,
/// tagged with its name.</summary>
internal sealed class ClientMetrics : IDisposable
{
    /// <summary>Name of meter and activity source.</summary>
    public const string Name = "Streams.Client";

    private readonly Meter _meter;
    private readonly Counter<long> _published;
    private readonly Counter<long> _confirmed;
    private readonly Counter<long> _parked;
    private readonly Counter<long> _damaged;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _batches;
    private readonly Counter<long> _bodyBytes;
    private readonly Counter<long> _sentBytes;
    private readonly Counter<long> _capWaits;
    private readonly Counter<long> _connects;
    private readonly Counter<long> _spread;
    private readonly Counter<long> _busy;
    private readonly Counter<long> _heldBack;
    private readonly Counter<long> _released;
    private readonly Counter<long> _given;
    private readonly Counter<long> _twins;
    private readonly Counter<long> _gaps;
    private readonly Counter<long> _stops;
    private readonly Counter<long> _evicted;
    private readonly Counter<long> _unreadable;
    private readonly KeyValuePair<string, object?>[] _reasons =
        [new("reason", "rejected"), new("reason", "full"), new("reason", "expired"), new("reason", "superseded")];
    private readonly KeyValuePair<string, object?> _patience = new("reason", "patience");
    private readonly KeyValuePair<string, object?> _closed = new("reason", "closed");

    /// <summary>Instruments of a client.</summary>
    public ClientMetrics(string client, Func<long> outboxEvents, Func<long> outboxBytes)
    {
        _meter = new Meter(new MeterOptions(Name) { Tags = [new KeyValuePair<string, object?>("client", client)] });
        _meter.CreateObservableGauge("streams.client.outbox.events", outboxEvents, "{event}", "Events that no cluster has confirmed");
        _meter.CreateObservableGauge("streams.client.outbox.bytes", outboxBytes, "By", "Bytes that they take");
        _published = _meter.CreateCounter<long>("streams.client.published", "{event}", "Events stored in the outbox");
        _confirmed = _meter.CreateCounter<long>("streams.client.confirmed", "{event}", "Events that a cluster was found to hold");
        _parked = _meter.CreateCounter<long>("streams.client.refused", "{event}", "Events refused for good and put aside");
        _damaged = _meter.CreateCounter<long>("streams.client.damaged", "{event}", "Events lost to damage on this device's disk");
        _dropped = _meter.CreateCounter<long>("streams.client.dropped", "{event}",
            "Events rejected or dropped under the rules of the outbox, never sent");
        _batches = _meter.CreateCounter<long>("streams.client.batches", "{batch}", "Batches sent");
        _bodyBytes = _meter.CreateCounter<long>("streams.client.batch_body_bytes", "By", "Bytes of batches before compression");
        _sentBytes = _meter.CreateCounter<long>("streams.client.batch_sent_bytes", "By", "Bytes of batches as they were sent");
        _capWaits = _meter.CreateCounter<long>("streams.client.cap_waits", "{wait}", "Waits of batches for the cap on what is sent");
        _connects = _meter.CreateCounter<long>("streams.client.connects", "{connection}",
            "Connections made; reconnects are all but the first");
        _spread = _meter.CreateCounter<long>("streams.client.spread_waits", "{wait}",
            "Waits before going elsewhere because the cluster may be lost to all its devices");
        _busy = _meter.CreateCounter<long>("streams.client.connects_busy", "{connection}", "Connections refused for want of room");
        _heldBack = _meter.CreateCounter<long>("streams.client.held_back", "{event}", "Events held back for order");
        _released = _meter.CreateCounter<long>("streams.client.order_released", "{event}",
            "Events given although an earlier one had not come");
        _given = _meter.CreateCounter<long>("streams.client.given", "{event}", "Events handed out");
        _twins = _meter.CreateCounter<long>("streams.client.twins_caught", "{event}", "Copies caught of events that were given");
        _gaps = _meter.CreateCounter<long>("streams.client.gap_events", "{event}", "Events that retention had taken before they were read");
        _stops = _meter.CreateCounter<long>("streams.client.lanes_stopped", "{stop}",
            "Lanes stopped because the hold-back buffer was full");
        _evicted = _meter.CreateCounter<long>("streams.client.evicted", "{epoch}", "Idle producer epochs forgotten");
        _unreadable = _meter.CreateCounter<long>("streams.client.unreadable", "{event}", "Events whose payload the serializer refused");
    }

    /// <summary>What the outbox does to the disk.</summary>
    public void Observe(OutboxSet outboxes)
    {
        _meter.CreateObservableCounter("streams.client.outbox.stored_bytes", () => outboxes.Sum(static o => o.StoredBytes), "By",
            "Bytes of events that were stored in the outbox");
        _meter.CreateObservableCounter("streams.client.outbox.disk_bytes", () => outboxes.Sum(static o => o.DiskBytes), "By",
            "Most bytes that the outbox has written to its disk, by whole pages");
        _meter.CreateObservableCounter("streams.client.outbox.flushes", () => outboxes.Sum(static o => o.Flushes), "{flush}",
            "Transactions that were flushed to stable storage");
        _meter.CreateObservableGauge("streams.client.outbox.class_events", () => outboxes.Lanes.Select(static lane =>
            new Measurement<long>(lane.Outbox.Events, new("class", lane.Class ?? string.Empty), new("passing", lane.IsPassing))), "{event}",
            "Events that no cluster has confirmed, by priority class");
    }

    /// <summary>How far consumers are behind, as it was known last.</summary>
    public void Observe(Func<IReadOnlyList<StreamsConsumer>> consumers)
    {
        _meter.CreateObservableGauge("streams.client.consumer.lag",
            () => Each(consumers, static lag => lag.Events), "{event}", "Events at the cluster that the consumer has not acknowledged");
        _meter.CreateObservableGauge("streams.client.consumer.lag_time",
            () => Each(consumers, static lag => lag.Behind.TotalSeconds), "s", "How long ago the oldest of them was appended");
    }

    /// <summary>Events were stored in the outbox.</summary>
    public void Published(long events) => _published.Add(events);

    /// <summary>Events are held by a cluster.</summary>
    public void Confirmed(long events) => _confirmed.Add(events);

    /// <summary>Events were put aside.</summary>
    public void Parked(long events) => _parked.Add(events);

    /// <summary>Events were lost to damage.</summary>
    public void Damaged(long events) => _damaged.Add(events);

    /// <summary>Events were rejected or dropped.</summary>
    public void Dropped(PublishOutcome outcome, long events) => _dropped.Add(events, _reasons[outcome - PublishOutcome.Rejected]);

    /// <summary>A batch was sent.</summary>
    /// <param name="body">Its bytes before compression.</param>
    /// <param name="sent">Its bytes as they were sent.</param>
    public void BatchSent(int body, int sent)
    {
        _batches.Add(1);
        _bodyBytes.Add(body);
        _sentBytes.Add(sent);
    }

    /// <summary>Batches wait for the cap.</summary>
    public void CapWait() => _capWaits.Add(1);

    /// <summary>A connection was made.</summary>
    public void Connected() => _connects.Add(1);

    /// <summary>The client waits for its share of a window.</summary>
    public void Spread() => _spread.Add(1);

    /// <summary>A cluster had no room.</summary>
    public void Busy() => _busy.Add(1);

    /// <summary>An event was handed out.</summary>
    public void Given(long events) => _given.Add(events);

    /// <summary>Producer epochs were forgotten.</summary>
    public void Evicted(int epochs) => _evicted.Add(epochs);

    /// <summary>A payload was no value.</summary>
    public void Unreadable() => _unreadable.Add(1);

    /// <summary>A reader decided something.</summary>
    public void Count(ReaderOutput output)
    {
        Add(_heldBack, output.HeldBack);
        Add(_twins, output.TwinsCaught);
        Add(_gaps, output.GapEvents);
        Add(_stops, output.LanesStopped);
        if (output.ReleasedByPatience > 0)
        {
            _released.Add(output.ReleasedByPatience, _patience);
        }

        if (output.ReleasedByClosure > 0)
        {
            _released.Add(output.ReleasedByClosure, _closed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static List<Measurement<T>> Each<T>(Func<IReadOnlyList<StreamsConsumer>> consumers, Func<ConsumerLag, T> value)
        where T : struct
    {
        List<Measurement<T>> measured = [];
        foreach (StreamsConsumer consumer in consumers())
        {
            consumer.RefreshLag();
            if (consumer.LastLag is { } lag)
            {
                measured.Add(new Measurement<T>(value(lag), new KeyValuePair<string, object?>("consumer", consumer.Options.Name.Value),
                    new KeyValuePair<string, object?>("stream", consumer.Options.Stream.Value)));
            }
        }

        return measured;
    }

    private static void Add(Counter<long> counter, long count)
    {
        if (count > 0)
        {
            counter.Add(count);
        }
    }
}
