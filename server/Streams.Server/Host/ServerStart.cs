using System.Diagnostics;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>Starts the parts of a server in their order; each step may count on those before it. What is opened is handed to the closers
/// at once.</summary>
internal sealed partial class ServerStart(ServerOptions options, TimeProvider time, Random chance, ILoggerFactory log, Closers closers)
{
    /// <summary>Longest wait for neighbours before the first event is taken: a cluster whose neighbours are down must start all the
    /// same.</summary>
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
        StartRetention();
        await StartMqttAsync(cancellationToken);
        State.Enter(ServerPhase.Ready, string.Empty);
    }

    /// <summary>How long opening the container took.</summary>
    public TimeSpan RecoveryTime { get; private set; }

    private void OpenCatalog()
    {
        Catalog = LocalCatalog.Open(
            new CatalogOptions
            {
                Cluster = Options.Cluster,
                DataDirectory = Options.DataDirectory,
                WitnessFile = Options.WitnessFile,
                Policy = Options.Incarnation,
                RestoreDeclared = Options.Restore,
            },
            log.CreateLogger("Streams.Cluster"));
        closers.Add("catalog", () =>
        {
            Catalog.Dispose();
            return ValueTask.CompletedTask;
        });
    }

    private async Task OpenHttpAsync(CancellationToken cancellationToken)
    {
        MetricCollector metrics = new(State);
        ServerMeter meter = new(State, Time, StartedAt);
        closers.Add("metrics", () =>
        {
            metrics.Dispose();
            meter.Dispose();
            return ValueTask.CompletedTask;
        });
        HttpApi api = new(State, new StatusReport(this), metrics, _logger);
        Http = await WebEndpoint.StartAsync(
            OptionKey.Http.Switch,
            Options.Http,
            log,
            _ => { },
            listen => listen.Protocols = HttpProtocols.Http1,
            api.Map,
            cancellationToken);
        closers.Add("http", Http.DisposeAsync);
    }

    private async Task RecoverAsync(CancellationToken cancellationToken)
    {
        State.Enter(ServerPhase.Starting, "recovering the data");
        long began = Time.GetTimestamp();
        Container container = await Container.OpenAsync(
            new ContainerOptions { Directory = Catalog.ContainerPath, DamagePatience = Options.DamagePatience },
            Time,
            Part(),
            log.CreateLogger("Streams.Storage"),
            cancellationToken);
        closers.Add("container", container.DisposeAsync);
        RecoveryTime = Time.GetElapsedTime(began);
        ServerLog.Recovered(_logger, (long)RecoveryTime.TotalMilliseconds, container.Recovery.RecordsRead, container.Recovery.CutBytes);
        Engine = new Engine(container, Catalog, _logger);
    }

    /// <summary>Goes on under the recorded incarnation or opens a new one (rule R14), before anything is written.</summary>
    private async Task DecideAsync(CancellationToken cancellationToken)
    {
        Container container = Engine.Container;
        Origin recorded = new(Options.Cluster, Catalog.Facts.Recorded?.Incarnation ?? default);
        long ownEntries = WitnessKeeper.OwnEntries(Engine.Lanes, recorded);
        IncarnationFacts facts = Catalog.Facts with
        {
            LatestInStore = container.LatestIncarnation(Options.Cluster) ?? default,
            OwnEntries = ownEntries,
            StoreDamage = container.Recovery.IsDamagedBehind(Catalog.Facts.Recorded?.OpenedAt ?? 0) ? Damage(container.Recovery) : null,
        };
        Decision = IncarnationDecision.Decide(facts);
        if (!Decision.OpensNew && HasOwnLanes())
        {
            State.Enter(ServerPhase.Starting, "asking the neighbours");
            facts = facts with { Neighbours = await AskNeighboursAsync(cancellationToken) };
            Decision = IncarnationDecision.Decide(facts);
        }

        Incarnation incarnation = Decision.Choose(facts, Time, chance);
        LogDecision(incarnation);
        Catalog.Begin(incarnation, ownEntries, container.Status().Bytes);
        await container.StartWritingAsync(new Origin(Options.Cluster, incarnation), cancellationToken);
        WitnessKeeper keeper = new(Catalog, Engine.Lanes, Time, _logger);
        closers.Add("witness", keeper.DisposeAsync);
        State.Engine = Engine;
    }

    // Each part has a chance of its own: a Random is not for several threads.
    private Random Part() => new(chance.Next());

    private bool HasOwnLanes() => Engine.Lanes.Lanes().Any(l => l.Lane.Origin.Cluster == Options.Cluster);

    private static string Damage(RecoveryReport report)
    {
        if (report.Unreadable.Count == 0)
        {
            return $"the state file tells of more than the log has: {report.StateRebuilt}";
        }

        UnreadableRange first = report.Unreadable[0];
        string more = report.Unreadable.Count > 1 ? $", and {report.Unreadable.Count - 1} more" : string.Empty;
        return $"{first.Bytes} bytes at {first.Offset} of {first.Segment}: {first.Reason}{more}";
    }

    private void LogDecision(Incarnation incarnation)
    {
        switch (Decision.Reason)
        {
            case IncarnationReason.PlainRestart:
                ServerLog.GoesOn(_logger, incarnation, Decision.Detail);
                break;
            case IncarnationReason.NewDirectory:
                ServerLog.OpenedFirst(_logger, incarnation, Decision.Detail);
                break;
            default:
                ServerLog.Opened(_logger, incarnation, Decision.Reason.ToString(), Decision.Detail);
                break;
        }
    }
}
