using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>Starts the parts of a server in their order; each step may count on those before it. What is opened is handed to the closers at once.</summary>
internal sealed class ServerStart(ServerOptions options, TimeProvider time, Random chance, ILoggerFactory log, Closers closers)
{
    /// <summary>Longest wait for neighbours before the first event is taken: a cluster whose neighbours are down must start all the same.</summary>
    private static readonly TimeSpan NeighbourLimit = TimeSpan.FromSeconds(3);

    private readonly ILogger _logger = log.CreateLogger("Streams.Server");

    public ServerOptions Options { get; } = options;

    public TimeProvider Time { get; } = time;

    public ServerState State { get; } = new();

    public long StartedAt { get; } = time.GetTimestamp();

    public LocalCatalog Catalog { get; private set; } = null!;

    public IncarnationDecision Decision { get; private set; } = null!;

    public Engine Engine { get; private set; } = null!;

    public GeoService Links { get; private set; } = null!;

    public MqttGateway Gateway { get; private set; } = null!;

    public WebEndpoint Http { get; private set; } = null!;

    public WebEndpoint Mqtt { get; private set; } = null!;

    /// <summary>Runs all steps.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        ServerLog.Starting(_logger, HelpText.Version, Options.Cluster, Path.GetFullPath(Options.DataDirectory));
        OpenCatalog();
        await OpenHttpAsync(cancellationToken);
        await RecoverAsync(cancellationToken);
        await DecideAsync(cancellationToken);
        await StartLinksAsync(cancellationToken);
        await StartMqttAsync(cancellationToken);
        State.Enter(ServerPhase.Ready, string.Empty);
    }
}
