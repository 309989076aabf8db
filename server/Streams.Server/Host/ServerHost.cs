using System.Net;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>A running server: one node, all its endpoints.</summary>
/// <remarks>If starting fails, what was opened is closed again and nothing listens. When the disk is full or refuses,
/// health turns to 503, what is to be written is refused, and the store goes on by itself as soon as it can. If it cannot go on at all (its
/// files are gone), <see cref="Failed"/> completes: the owner is to stop the server and end the process, so that a supervisor starts it
/// again.</remarks>
public sealed class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(10);

    private readonly ServerStart _parts;
    private readonly Closers _closers;
    private readonly ILogger _logger;
    private int _stopping;

    private ServerHost(ServerStart parts, Closers closers, ILogger logger)
    {
        _parts = parts;
        _closers = closers;
        _logger = logger;
        Failed = WatchAsync();
    }

    /// <summary>The store, as gateways see it.</summary>
    public IEventStore Store => _parts.Engine.Store;

    /// <summary>Where MQTT clients connect.</summary>
    public IPEndPoint Mqtt => _parts.Mqtt.Address;

    /// <summary>Where the HTTP API is.</summary>
    public IPEndPoint Http => _parts.Http.Address;

    /// <summary>Where links of other clusters connect.</summary>
    public IPEndPoint Link => _parts.Links.Endpoint!;

    /// <summary>Where MQTT clients connect over TLS; <see langword="null"/> when nowhere.</summary>
    public IPEndPoint? MqttTls => _parts.MqttTls?.Address;

    /// <summary>Where MQTT clients connect over WebSocket; <see langword="null"/> when nowhere.</summary>
    public IPEndPoint? MqttWs => _parts.MqttWs?.Address;

    /// <summary>Where MQTT clients connect over WebSocket and TLS; <see langword="null"/> when nowhere.</summary>
    public IPEndPoint? MqttWss => _parts.MqttWss?.Address;

    /// <summary>Where the HTTP API is over TLS; <see langword="null"/> when nowhere.</summary>
    public IPEndPoint? HttpTls => _parts.HttpTls?.Address;

    /// <summary>Completes when the store failed and cannot go on by itself; never otherwise.</summary>
    public Task Failed { get; }

    /// <summary>The line that tells people and scripts that the server is ready, and where.</summary>
    public string ReadyLine =>
        $"ready: cluster {_parts.Options.Cluster}  mqtt {Mqtt}  http {Http}  link {Link}  "
        + Further("mqtt-tls", MqttTls) + Further("mqtt-ws", MqttWs) + Further("mqtt-wss", MqttWss) + Further("http-tls", HttpTls)
        + $"data {_parts.Options.DataDirectory}  origin {Store.Origin}";

    /// <summary>Starts a server; when it completes, clients are served.</summary>
    /// <exception cref="ConfigurationException">The options and what they name do not fit: the data belongs to another cluster, is of a
    /// newer format.</exception>
    /// <exception cref="TryAgainException">A port or the data directory is in use.</exception>
    /// <exception cref="StorageFailedException">The data cannot be read or written.</exception>
    public static async Task<ServerHost> StartAsync(ServerOptions options, TimeProvider time, Random chance, ILoggerFactory log,
        CancellationToken cancellationToken)
    {
        ILogger logger = log.CreateLogger("Streams.Server");
        Closers closers = new(time, logger);
        try
        {
            ServerStart parts = new(options, time, chance, log, closers);
            await parts.RunAsync(cancellationToken);
            return new ServerHost(parts, closers, logger);
        }
        catch
        {
            await closers.CloseAsync(CloseLimit);
            throw;
        }
    }

    /// <summary>Finishes what was begun and stops. Readiness ends at once; clients are told to go elsewhere and have
    /// <paramref name="drainLimit"/> for it.
    /// A second call does nothing.</summary>
    public async Task StopAsync(string why, TimeSpan drainLimit)
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            return;
        }

        ServerLog.Draining(_logger, why);
        if (!Failed.IsCompleted)
        {
            _parts.State.Enter(ServerPhase.Draining, why);
        }

        try
        {
            await _parts.Gateway.DrainAsync(drainLimit);
        }
        catch (Exception fault)
        {
            ServerLog.DrainFailed(_logger, fault);
        }

        await _closers.CloseAsync(CloseLimit);
        ServerLog.Stopped(_logger);
    }

    /// <summary>Stops within a short limit.</summary>
    public async ValueTask DisposeAsync() => await StopAsync("disposed", TimeSpan.FromSeconds(2));

    private static string Further(string name, IPEndPoint? at) => at is null ? string.Empty : $"{name} {at}  ";

    private async Task WatchAsync()
    {
        string fault = (await _parts.Engine.Container.Failed).Message;
        _parts.State.Enter(ServerPhase.Failed, fault);
        ServerLog.StoreFailed(_logger, fault);
    }
}
