using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The agent's side towards the clusters: one connection to one of them at a time, over which everything goes up and comes
/// down.</summary>
/// <remarks>Opening needs no network. When a cluster is lost it goes on with the next, as the SDK does.</remarks>
internal sealed class ClusterSide : IAsyncDisposable
{
    private readonly ClientMetrics _metrics;
    private readonly ClusterLink _link;
    private int _disposed;

    /// <summary>Begins to connect.</summary>
    public ClusterSide(ClusterSideOptions options, LocalStore store, TimeProvider time, Random chance, ILogger logger,
        IClusterConnector? connector = null)
    {
        _metrics = new ClientMetrics(options.Name, static () => 0, static () => 0);
        _link = new ClusterLink(options, connector ?? new MqttClusterConnector(options, time, logger), _metrics, time, chance, logger);
        Downlinks = [.. options.Downlinks.Select(d => new Downlink(d, store, _link, options.AnswerTimeout, time, logger))];
        foreach (Downlink downlink in Downlinks)
        {
            _link.Add(downlink);
        }

        _link.Start();
    }

    /// <summary>The cluster now connected, or <see langword="null"/>.</summary>
    public ClusterName? ConnectedTo => _link.ConnectedTo;

    /// <summary>What is fetched.</summary>
    public IReadOnlyList<Downlink> Downlinks { get; }

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
        _metrics.Dispose();
    }
}
