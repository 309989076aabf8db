using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The agent's side towards the clusters: one connection to one of them at a time, over which everything goes up and comes
/// down.</summary>
/// <remarks>Opening needs no network. When a cluster is lost it goes on with the next, as the SDK does.</remarks>
internal sealed class ClusterSide : IAsyncDisposable
{
    private const long MostAhead = 1 << 20;

    private readonly ClientMetrics _metrics;
    private readonly ClusterLink _link;
    private readonly UpEvents _events;
    private readonly ManyProducerSender _sender;
    private int _disposed;

    /// <summary>Begins to connect.</summary>
    public ClusterSide(ClusterSideOptions options, LocalStore store, TimeProvider time, Random chance, ILogger logger,
        IClusterConnector? connector = null, UpPath? path = null)
    {
        path ??= new UpPath(store.Origin.Cluster);
        options = options with { SendsForMany = true };
        _events = new UpEvents(store, Ahead(options.SendCap), time, logger);
        _metrics = new ClientMetrics(options.Name, () => _events.Waiting, () => store.UsedBytes);
        SendMeter? meter = options.SendCap is { } cap ? new SendMeter(cap, time) : null;
        _sender = new ManyProducerSender(_events, options, _metrics, time, logger, meter);
        _link = new ClusterLink(options, connector ?? new MqttClusterConnector(options, time, logger), _metrics, time, chance, logger)
        {
            Meter = meter,
        };
        _link.Add(new PathGate(_sender, path, time, logger));
        _link.Add(_events);
        Downlinks = [.. options.Downlinks.Select(d => new Downlink(d, store, _link, options.AnswerTimeout, time, logger))];
        foreach (Downlink downlink in Downlinks)
        {
            _link.Add(new PathGate(downlink, path, time, logger));
        }

        _link.Start();
    }

    /// <summary>The cluster now connected, or <see langword="null"/>.</summary>
    public ClusterName? ConnectedTo => _link.ConnectedTo;

    /// <summary>Events that wait to go up.</summary>
    public long Waiting => _events.Waiting;

    /// <summary>What is fetched.</summary>
    public IReadOnlyList<Downlink> Downlinks { get; }

    // What is ahead of the sending cannot be overtaken by what is more urgent: two seconds of a slow line.
    private static long Ahead(SendCap? cap) => Math.Clamp(2 * (cap?.BytesPerSecond ?? MostAhead), 16 << 10, MostAhead);

    /// <summary>Ends the connection, within a bounded time.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        foreach (Downlink downlink in Downlinks)
        {
            await downlink.DisposeAsync().ConfigureAwait(false);
        }

        await _link.DisposeAsync().ConfigureAwait(false);
        _sender.Dispose();
        await _events.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }
}
