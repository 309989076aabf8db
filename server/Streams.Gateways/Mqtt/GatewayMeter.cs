using System.Diagnostics.Metrics;

namespace Streams.Gateways;

/// <summary>What the gateways count, on the meter <c>Streams.Gateways</c>.</summary>
internal sealed class GatewayMeter : IDisposable
{
    private readonly Meter _meter = new("Streams.Gateways");

    public GatewayMeter(Func<GatewayStatus> status)
    {
        _meter.CreateObservableGauge("streams.gateway.connections", () => status().Connections, "{connection}");
        _meter.CreateObservableGauge("streams.gateway.sessions", () => status().PersistentSessions, "{session}");
        _meter.CreateObservableGauge("streams.gateway.subscriptions", () => status().Subscriptions, "{subscription}");
        _meter.CreateObservableGauge("streams.gateway.shares", () => status().Shares, "{group}");
        Connects = _meter.CreateCounter<long>("streams.gateway.connects", "{connection}");
        Refusals = _meter.CreateCounter<long>("streams.gateway.connects.refused", "{connection}");
        Busy = _meter.CreateCounter<long>("streams.gateway.connects.busy", "{connection}");
        Hints = _meter.CreateCounter<long>("streams.gateway.hints", "{message}");
        Publishes = _meter.CreateCounter<long>("streams.gateway.publishes", "{message}");
        PublishBytes = _meter.CreateCounter<long>("streams.gateway.publish.bytes", "By");
        PublishesRefused = _meter.CreateCounter<long>("streams.gateway.publishes.refused", "{message}");
        PublishesTooFast = _meter.CreateCounter<long>("streams.gateway.publishes.toofast", "{message}");
        Deliveries = _meter.CreateCounter<long>("streams.gateway.deliveries", "{message}");
        DeliveryBytes = _meter.CreateCounter<long>("streams.gateway.delivery.bytes", "By");
        DeliveriesTooLarge = _meter.CreateCounter<long>("streams.gateway.deliveries.toolarge", "{message}");
        DeliveriesRetained = _meter.CreateCounter<long>("streams.gateway.deliveries.retained", "{message}");
        DeliveriesExpired = _meter.CreateCounter<long>("streams.gateway.deliveries.expired", "{message}");
        TwinsSkipped = _meter.CreateCounter<long>("streams.gateway.twins.skipped", "{event}");
        GapEvents = _meter.CreateCounter<long>("streams.gateway.gap.events", "{event}");
        ReleasedByPatience = _meter.CreateCounter<long>("streams.gateway.released.patience", "{batch}");
        ReleasedClosed = _meter.CreateCounter<long>("streams.gateway.released.closed", "{batch}");
        SharesReturned = _meter.CreateCounter<long>("streams.gateway.shares.returned", "{message}");
        SharesPassedOver = _meter.CreateCounter<long>("streams.gateway.shares.passedover", "{message}");
        DamagedBatches = _meter.CreateCounter<long>("streams.gateway.batches.damaged", "{batch}");
    }

    public Counter<long> Connects { get; }

    public Counter<long> Refusals { get; }

    public Counter<long> Busy { get; }

    public Counter<long> Hints { get; }

    public Counter<long> Publishes { get; }

    public Counter<long> PublishBytes { get; }

    public Counter<long> PublishesRefused { get; }

    public Counter<long> PublishesTooFast { get; }

    public Counter<long> Deliveries { get; }

    public Counter<long> DeliveryBytes { get; }

    public Counter<long> DeliveriesTooLarge { get; }

    public Counter<long> DeliveriesRetained { get; }

    public Counter<long> DeliveriesExpired { get; }

    public Counter<long> TwinsSkipped { get; }

    public Counter<long> GapEvents { get; }

    public Counter<long> ReleasedByPatience { get; }

    public Counter<long> ReleasedClosed { get; }

    /// <summary>Messages of shared subscriptions that came back from a member.</summary>
    public Counter<long> SharesReturned { get; }

    /// <summary>Messages of shared subscriptions that no member may have or can take, or that were gone when they were to be given
    /// again.</summary>
    public Counter<long> SharesPassedOver { get; }

    public Counter<long> DamagedBatches { get; }

    /// <summary>Adds what a reader has counted since <paramref name="before"/>, which becomes what it has counted now.</summary>
    public void Add(in ReaderCounts now, ref ReaderCounts before)
    {
        Add(TwinsSkipped, now.TwinsSkipped - before.TwinsSkipped);
        Add(GapEvents, now.GapEvents - before.GapEvents);
        Add(ReleasedByPatience, now.ReleasedByPatience - before.ReleasedByPatience);
        Add(ReleasedClosed, now.ReleasedClosed - before.ReleasedClosed);
        before = now;

        static void Add(Counter<long> counter, long more)
        {
            if (more > 0)
            {
                counter.Add(more);
            }
        }
    }

    /// <summary>Ends the meter.</summary>
    public void Dispose() => _meter.Dispose();
}
