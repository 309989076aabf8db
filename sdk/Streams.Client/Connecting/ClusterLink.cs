using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Keeps the client connected to one cluster: connects, lets everyone use the session, and goes on with the next when it
/// ends.</summary>
/// <remarks>Failure: a fault of one user of a session ends the session, never the loop. The loop ends with <see cref="DisposeAsync"/>
/// alone.</remarks>
internal sealed class ClusterLink : IAsyncDisposable
{
    private readonly ClusterOptions _options;
    private readonly IClusterConnector _connector;
    private readonly EndpointChoice _choice;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<ISessionUser> _users = [];
    private readonly Dictionary<ISessionUser, Task> _running = [];
    private ClusterSession? _session;
    private Task _loop = Task.CompletedTask;
    private Task _told = Task.CompletedTask;

    /// <summary>A link; <see cref="Start"/> lets it begin.</summary>
    public ClusterLink(ClusterOptions options, IClusterConnector connector, ClientMetrics metrics, TimeProvider time, Random chance,
        ILogger logger)
    {
        _options = options;
        _connector = connector;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _choice = new EndpointChoice(options, metrics, time, chance, logger);
    }

    /// <summary>Called on a pool thread, one change after the other.</summary>
    public Action<ClusterName?>? Changed { get; set; }

    /// <summary>Counts what is sent, where that is capped.</summary>
    public SendMeter? Meter { get; init; }

    /// <summary>The cluster now connected.</summary>
    public ClusterName? ConnectedTo
    {
        get
        {
            lock (_lock)
            {
                return _session?.Cluster;
            }
        }
    }

    /// <summary>Begins to connect.</summary>
    public void Start() => _loop = Task.Run(LoopAsync);

    /// <summary>Someone who uses every session from now on, the running one included.</summary>
    public void Add(ISessionUser user)
    {
        lock (_lock)
        {
            _users.Add(user);
            if (_session is not null)
            {
                _running[user] = UseAsync(user, _session);
            }
        }
    }

    /// <summary>Uses no further sessions; completes when its part in the running one is over.</summary>
    public Task RemoveAsync(ISessionUser user)
    {
        lock (_lock)
        {
            _users.Remove(user);
            return _running.Remove(user, out Task? running) ? running : Task.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _told.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                ClusterSession session = await _choice.ConnectAsync(ConnectAsync, _stop.Token).ConfigureAwait(false);
                await using ConfiguredAsyncDisposable _ = session.ConfigureAwait(false);
                await UseAsync(session).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                _choice.Lost(SessionLoss.Alone, wasUseful: false, isGood: true);
                ClientLog.ConnectorFailed(_logger, e);
            }
        }
    }

    private async ValueTask<ClusterSession> ConnectAsync(ClusterEndpoint endpoint, CancellationToken cancellationToken)
    {
        ClusterSession session = new(endpoint, _options.AnswerTimeout, _time, Meter);
        long began = _time.GetTimestamp();
        try
        {
            session.Attach(await _connector.ConnectAsync(endpoint, _options.Name, (topic, payload) => Receive(session, topic, payload),
                cancellationToken).ConfigureAwait(false), _time.GetElapsedTime(began));
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task UseAsync(ClusterSession session)
    {
        ClientLog.Connected(_logger, session.Cluster, session.Endpoint.Address);
        long began = _time.GetTimestamp();
        _metrics.Connected();
        lock (_lock)
        {
            _session = session;
            if (session.Hint is { } hint)
            {
                _choice.Take(hint);                      // came with the answer to CONNECT
            }

            _running.Clear();
            foreach (ISessionUser user in _users)
            {
                _running[user] = UseAsync(user, session);
            }
        }

        Tell(session.Cluster);
        using (_stop.Token.UnsafeRegister(static (s, _) => ((ClusterSession)s!).End("closed by this side"), session))
        {
            Task probe = FailBack.WatchAsync(_options, _connector, session, _choice, _time, _logger);
            string why = await session.Ended.ConfigureAwait(false);
            await probe.ConfigureAwait(false);
            ClientLog.Disconnected(_logger, session.Cluster, why);
        }

        Task[] users;
        ISessionUser[] all;
        lock (_lock)
        {
            _session = null;
            users = [.. _running.Values];
            all = [.. _users];
        }

        Tell(null);
        await session.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(users).ConfigureAwait(false);
        foreach (ISessionUser user in all)
        {
            user.SessionEnded();
        }

        Judge(session, _time.GetElapsedTime(began));
    }

    // A session that was good for nothing must not be repeated at once, and not at the same cluster when there are others.
    private void Judge(ClusterSession session, TimeSpan lasted)
    {
        if (session.Goal >= 0)
        {
            _choice.Return(session.Goal);
            return;
        }

        bool useful = session.WasUseful || lasted > _options.ConnectBackoff.Longest;
        _choice.Lost(session.Loss, useful, isGood: useful && !session.WasRefused, wasShort: lasted < _options.StableAfter,
            session.Endpoint, session.Reference);
    }

    private static async Task UseAsync(ISessionUser user, ClusterSession session)
    {
        await Task.Yield();
        try
        {
            await user.RunAsync(session).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (session.Token.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            session.End($"{e.GetType().Name}: {e.Message}");
        }
    }

    private ValueTask Receive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        if (topic == ProtocolTopics.Hint)
        {
            TakeHint(session, payload);
            return ValueTask.CompletedTask;
        }

        ISessionUser[] users;
        lock (_lock)
        {
            users = [.. _users];
        }

        foreach (ISessionUser user in users)
        {
            if (!session.Token.IsCancellationRequested && user.TryReceive(session, topic, payload))
            {
                break;
            }
        }

        return ValueTask.CompletedTask;
    }

    // Advice: what cannot be read is no reason to leave a cluster that serves well.
    private void TakeHint(ClusterSession session, ReadOnlyMemory<byte> payload)
    {
        if (SpreadHint.Read(payload) is not { } hint)
        {
            ClientLog.HintUnreadable(_logger, session.Cluster, payload.Length);
        }
        else
        {
            lock (_lock)
            {
                session.Hint = hint;
                if (ReferenceEquals(session, _session))
                {
                    _choice.Take(hint);
                }
            }

            ClientLog.Hinted(_logger, session.Cluster, hint.Window, hint.Elsewhere.Count);
        }
    }

    private void Tell(ClusterName? cluster)
    {
        _told = _told.ContinueWith(
            _ =>
            {
                try
                {
                    Changed?.Invoke(cluster);
                }
                catch (Exception e)
                {
                    ClientLog.HandlerFailed(_logger, e);
                }
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
