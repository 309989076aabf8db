using System.Diagnostics.Metrics;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>What the agent tells of itself: now, and of the last hour.</summary>
internal sealed class AgentFigures : IAsyncDisposable
{
    /// <summary>How often a sample is taken.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int Samples = 360;

    private readonly AgentHost _host;
    private readonly Func<GatewayStatus> _gateway;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly Lock _lock = new();
    private readonly SampleHistory _history = new(Samples);
    private readonly Meter _meter;
    private readonly ITimer _timer;

    /// <summary>Begins to take samples.</summary>
    public AgentFigures(AgentHost host, Func<GatewayStatus> gateway, TimeProvider time)
    {
        _host = host;
        _gateway = gateway;
        _time = time;
        _started = time.GetTimestamp();
        _meter = new Meter(new MeterOptions("Streams.EdgeAgent") { Scope = host });
        _meter.CreateObservableGauge("streams.agent.ready", () => Health().Reason is null ? 1 : 0, null,
            "1 while the agent takes devices and its store writes, else 0.");
        _meter.CreateObservableGauge("streams.agent.uptime", () => Uptime.TotalSeconds, "s", "Since the agent was started.");
        _meter.CreateObservableGauge("streams.agent.store.events", () => Now().Events, "{event}", "Events in the store.");
        _meter.CreateObservableGauge("streams.agent.store.used", () => host.Store.UsedBytes, "By", "Bytes of the store in use.");
        _meter.CreateObservableGauge("streams.agent.store.limit", () => host.Options.Store.MaxBytes, "By",
            "Most bytes that the store may take.");
        _meter.CreateObservableCounter("streams.agent.store.commits", () => host.Store.Commits, "{commit}",
            "Transactions of the store, each with one flush.");
        if (host.Clusters is { } clusters)
        {
            _meter.CreateObservableGauge("streams.agent.uplink.connected", () => clusters.ConnectedTo is null ? 0 : 1, null,
                "1 while a cluster is connected, else 0.");
            _meter.CreateObservableGauge("streams.agent.uplink.loop", () => host.Path.Loop is null ? 0 : 1, null,
                "1 while the agent that answers leads back here, else 0.");
            _meter.CreateObservableGauge("streams.agent.uplink.waiting", () => clusters.Waiting, "{event}", "Events that wait to go up.");
            _meter.CreateObservableGauge("streams.agent.route.waiting", () => host.Store.Routes.Select(static r =>
                new Measurement<long>(r.Events, new KeyValuePair<string, object?>("route", r.Name))), "{event}",
                "Events that wait to go up under a route.");
            _meter.CreateObservableGauge("streams.agent.route.waiting.bytes", () => host.Store.Routes.Select(static r =>
                new Measurement<long>(r.Bytes, new KeyValuePair<string, object?>("route", r.Name))), "By",
                "What they count: topic, headers, payload and 64 bytes each.");
        }

        _timer = time.CreateTimer(_ => Take(), null, TimeSpan.Zero, Interval);
    }

    /// <summary>The agent.</summary>
    public AgentHost Host => _host;

    /// <summary>What the gateway has.</summary>
    public GatewayStatus Gateway => _gateway();

    /// <summary>How long the agent runs.</summary>
    public TimeSpan Uptime => _time.GetElapsedTime(_started);

    /// <summary>The last hour, the oldest sample first.</summary>
    public Sample[] History
    {
        get
        {
            lock (_lock)
            {
                return _history.All;
            }
        }
    }

    /// <summary>Whether devices should come, in one word, and why not.</summary>
    public (string Status, string? Reason) Health() => _host.State.Health(_host.Store.Fault);

    /// <summary>The ring of agents that keeps it from sending, in words; <see langword="null"/> when there is none.</summary>
    public string? Loop => _host.Path.Loop is { } ring
        ? $"uplinks lead back here: {ring}; nothing is sent this way, mend clusters.to of this agent" : null;

    /// <summary>What the agent has at this moment.</summary>
    public Sample Now()
    {
        long events = 0;
        long taken = 0;
        foreach (LaneRow lane in _host.Store.LaneRows)
        {
            events += lane.NextOffset - lane.FirstOffset;
            taken += lane.NextOffset;
        }

        return new Sample(_time.GetUtcNow(), _gateway().Sessions, events, taken, _host.Store.UsedBytes);
    }

    /// <summary>Takes no more samples.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        _meter.Dispose();
    }

    private void Take()
    {
        Sample now = Now();
        lock (_lock)
        {
            _history.Add(now);
        }
    }
}
