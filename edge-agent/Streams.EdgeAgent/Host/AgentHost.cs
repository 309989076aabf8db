using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>A running agent: its store, the gateway that devices speak to, and what people look at.</summary>
/// <remarks>If starting fails, what was opened is closed again and nothing listens. When the disk refuses, health turns to 503 and
/// devices are refused what would have to be written; it goes on by itself. If the store cannot go on at all, <see cref="Failed"/>
/// completes: the owner is to stop the agent and end the process.</remarks>
internal sealed class AgentHost : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(10);

    private readonly Closers _closers;
    private readonly ILogger _logger;
    private readonly List<(string Name, IPEndPoint At)> _listening = [];
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LiveAccess _access = null!;
    private MqttGateway _gateway = null!;
    private WebEndpoint? _http;
    private int _stopping;

    private AgentHost(AgentOptions options, Closers closers, ILogger logger)
    {
        Options = options;
        Path = new UpPath(options.Name);
        _closers = closers;
        _logger = logger;
    }

    /// <summary>What it was started with; access as it is now.</summary>
    public AgentOptions Options { get; private set; }

    /// <summary>How far it is.</summary>
    public AgentState State { get; } = new();

    /// <summary>The store.</summary>
    public LocalStore Store { get; private set; } = null!;

    /// <summary>Where what it sends goes on to.</summary>
    public UpPath Path { get; }

    /// <summary>Its side towards the clusters; <see langword="null"/> when it has none.</summary>
    public ClusterSide? Clusters { get; private set; }

    /// <summary>Where its listeners listen, ports that were free included.</summary>
    public IReadOnlyList<(string Name, IPEndPoint At)> Listening => _listening;

    /// <summary>Where HTTP is; <see langword="null"/> for nowhere.</summary>
    public IPEndPoint? Http => _http?.Address;

    /// <summary>Completes when the store cannot go on; not when it is closed in order.</summary>
    public Task Failed => _failed.Task;

    /// <summary>The line that tells people and scripts that the agent is ready, and where.</summary>
    public string ReadyLine => $"ready: agent {Options.Name}  " + string.Concat(_listening.Select(static l => $"{l.Name} {l.At}  "))
        + (_http is null ? string.Empty : $"http {_http.Address}  ") + $"data {Options.DataDirectory}  origin {Store.Origin}";

    /// <summary>Starts an agent; when it completes, devices are served.</summary>
    /// <exception cref="ConfigurationException">The options and what they name do not fit.</exception>
    /// <exception cref="TryAgainException">A port is in use.</exception>
    /// <exception cref="StorageFailedException">The store cannot be opened.</exception>
    public static async Task<AgentHost> StartAsync(AgentOptions options, TimeProvider time, Random chance, ILoggerFactory log,
        CancellationToken cancellationToken)
    {
        ILogger logger = log.CreateLogger("Streams.EdgeAgent");
        Closers closers = new(time, logger);
        AgentHost host = new(options, closers, logger);
        try
        {
            await host.OpenAsync(time, chance, log, cancellationToken).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await closers.CloseAsync(CloseLimit).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes what of other options can be taken while running.</summary>
    /// <returns>What differs and counts only after a restart.</returns>
    public async ValueTask<IReadOnlyList<string>> ApplyAsync(AgentOptions next)
    {
        if (!next.Routes.SequenceEqual(Options.Routes))
        {
            await Store.UseRoutesAsync(next.Routes).ConfigureAwait(false);
            Options = Options with { Routes = next.Routes };
        }

        IReadOnlyList<string> parts = OptionChanges.NeedingRestart(Options, next);
        _access.Replace(next.Access, next.Listeners);
        Options = Options with { Access = next.Access, DrainLimit = next.DrainLimit };
        return parts;
    }

    /// <summary>Finishes what was begun and stops. Devices are told to go and have <paramref name="drainLimit"/> for it. A second call
    /// does nothing.</summary>
    public async Task StopAsync(string why, TimeSpan drainLimit)
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            return;
        }

        AgentLog.Draining(_logger, why);
        if (State.Phase != AgentPhase.Failed)
        {
            State.Enter(AgentPhase.Draining, why);
        }

        try
        {
            await _gateway.DrainAsync(drainLimit).ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            AgentLog.DrainFailed(_logger, fault);
        }

        await _closers.CloseAsync(CloseLimit).ConfigureAwait(false);
        AgentLog.Stopped(_logger);
    }

    /// <summary>Stops within a short limit.</summary>
    public async ValueTask DisposeAsync() => await StopAsync("disposed", TimeSpan.FromSeconds(2)).ConfigureAwait(false);

    private async Task OpenAsync(TimeProvider time, Random chance, ILoggerFactory log, CancellationToken cancellationToken)
    {
        List<(ListenerOptions Listener, TlsKeeper? Tls)> listeners = OpenTls(time);
        LocalStoreOptions keeping = Options.Store with
        {
            GoesUp = Options.Clusters is { } ways ? ways.GoesUp : null,
            Routes = Options.Routes,
        };
        Store = LocalStore.Open(keeping, time, new Random(chance.Next()), log.CreateLogger("Streams.EdgeAgent.Store"));
        _closers.Add("store", Store.DisposeAsync);
        _ = WatchAsync();
        if (Options.Clusters is { } clusters)
        {
            Clusters = new ClusterSide(clusters.ToSide(Options.Name), Store, time, new Random(chance.Next()),
                log.CreateLogger("Streams.EdgeAgent.Clusters"), path: Path);
            _closers.Add("clusters", Clusters.DisposeAsync);
        }

        _access = new LiveAccess(Options.Access, Options.Listeners);
        AgentHorizon horizon = new(Store, Clusters?.Downlinks ?? []);
        _gateway = new MqttGateway(Store, horizon, _access, Options.Limits, time, new Random(chance.Next()),
            log.CreateLogger<MqttGateway>(), _access, () => Path.Text);
        Path.Changed = _gateway.TellPath;
        _closers.Add("gateway", () =>
        {
            _gateway.Dispose();
            return ValueTask.CompletedTask;
        });
        await OpenHttpAsync(time, log, cancellationToken).ConfigureAwait(false);
        MqttEndpoint endpoint = new(_gateway, time, log);
        foreach ((ListenerOptions listener, TlsKeeper? tls) in listeners)
        {
            WebEndpoint opened = await (listener.IsWebSocket
                ? endpoint.ListenWebSocketAsync(listener.Name, listener.Address, tls, cancellationToken)
                : endpoint.ListenAsync(listener.Name, listener.Address, tls, cancellationToken)).ConfigureAwait(false);
            _closers.Add($"listener {listener.Name}", opened.DisposeAsync);
            _listening.Add((listener.Name, opened.Address));
        }

        State.Enter(AgentPhase.Ready, string.Empty);
    }

    // Before all else: what is wrong with certificates is told before anything is opened.
    private List<(ListenerOptions Listener, TlsKeeper? Tls)> OpenTls(TimeProvider time)
    {
        List<(ListenerOptions, TlsKeeper?)> opened = [];
        foreach (ListenerOptions listener in Options.Listeners)
        {
            TlsKeeper? tls = listener.Tls is { } files ? TlsKeeper.Open(files, time, _logger) : null;
            if (tls is not null)
            {
                _closers.Add($"certificates of {listener.Name}", tls.DisposeAsync);
            }

            opened.Add((listener, tls));
        }

        return opened;
    }

    private async Task OpenHttpAsync(TimeProvider time, ILoggerFactory log, CancellationToken cancellationToken)
    {
        if (Options.Http is not { } at)
        {
            return;
        }

        AgentFigures figures = new(this, () => _gateway.Status, time);
        _closers.Add("figures", figures.DisposeAsync);
        AgentApi api = new(figures, _logger);
        _closers.Add("metrics", () =>
        {
            api.Dispose();
            return ValueTask.CompletedTask;
        });
        _http = await WebEndpoint.StartAsync("http", at, log, static _ => { }, static listen => listen.Protocols = HttpProtocols.Http1,
            api.Map, cancellationToken).ConfigureAwait(false);
        _closers.Add("http", _http.DisposeAsync);
    }

    private async Task WatchAsync()
    {
        await Store.Ended.ConfigureAwait(false);
        if (Volatile.Read(ref _stopping) == 0)
        {
            State.Enter(AgentPhase.Failed, "the store's writer died");
            _failed.TrySetResult();
        }
    }
}
