using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Streams.Core;

namespace Streams.Client;

/// <summary>Finds a cluster that answers: carries out what <see cref="ReconnectPlan"/> decides, try after try.</summary>
internal sealed class EndpointChoice
{
    private readonly Lock _lock = new();
    private readonly ClusterOptions _options;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly ILogger _logger;
    private readonly ReconnectPlan _plan;
    private readonly NearestChoice? _nearest;
    private readonly ResiliencePipeline _tries;

    /// <summary>A choice among the clusters of the options.</summary>
    public EndpointChoice(ClusterOptions options, ClientMetrics metrics, TimeProvider time, Random chance, ILogger logger)
    {
        _options = options;
        _metrics = metrics;
        _time = time;
        _chance = new Random(Draw(chance));               // of its own: a Random is not for several threads
        _logger = logger;
        _plan = new ReconnectPlan([.. options.Clusters.Select(static c => c.Name)], ReconnectRules.Of(options));
        _nearest = options.Order == ClusterOrder.Nearest ? new NearestChoice(options.Clusters.Count) : null;
        _tries = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = int.MaxValue,
            DelayGenerator = _ => ValueTask.FromResult<TimeSpan?>(Wait()),
            ShouldHandle = static tried => ValueTask.FromResult(
                tried.Outcome.Exception is not null && !tried.Context.CancellationToken.IsCancellationRequested),
        }).Build();
    }

    /// <summary>Over how long the clients of the cluster connected to spread when they lose it.</summary>
    public TimeSpan Window
    {
        get
        {
            lock (_lock)
            {
                return _plan.Window;
            }
        }
    }

    /// <summary>A number from 0 to 1.</summary>
    public double Chance()
    {
        lock (_lock)
        {
            return _chance.NextDouble();
        }
    }

    /// <summary>Goes on until a cluster answers.</summary>
    public async ValueTask<ClusterSession> ConnectAsync(Func<ClusterEndpoint, CancellationToken, ValueTask<ClusterSession>> connect,
        CancellationToken cancellationToken)
    {
        TimeSpan wait = Wait();
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }

        return await _tries.ExecuteAsync(token => TryAsync(connect, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The cluster connected to said what to do when it is lost.</summary>
    public void Take(SpreadHint hint)
    {
        lock (_lock)
        {
            _plan.Take(hint);
        }
    }

    /// <summary>A session is over, or none was made of a connection.</summary>
    public void Lost(SessionLoss loss, bool wasUseful, bool isGood, bool wasShort = true, ClusterEndpoint? from = null,
        string? reference = null)
    {
        int rather = from is null ? -1 : Find(from, reference);
        bool spreads;
        lock (_lock)
        {
            spreads = _plan.Lost(loss, wasUseful, isGood, Now, _chance, wasShort, rather);
        }

        Tell(spreads);
    }

    /// <summary>A session was ended in order to go to a better cluster.</summary>
    public void Return(int goal)
    {
        lock (_lock)
        {
            _plan.Return(Now, goal);
        }
    }

    /// <summary>Which clusters to measure now; empty where the list alone counts.</summary>
    public IReadOnlyList<int> ToProbe(int current)
    {
        lock (_lock)
        {
            return _nearest?.ToProbe(current) ?? [];
        }
    }

    /// <summary>A connect took so long, or failed (<see langword="null"/>).</summary>
    public void Measured(int place, TimeSpan? took)
    {
        if (_nearest is null)
        {
            return;
        }

        Span<byte> order = stackalloc byte[_options.Clusters.Count];
        lock (_lock)
        {
            if (took is { } time)
            {
                _nearest.Measured(place, time);
            }
            else
            {
                _nearest.Failed(place);
            }

            _nearest.Order(order);
            _plan.Wish(order);
        }
    }

    /// <summary>Whether a nearer cluster is there to go to: its place in the list, or -1.</summary>
    public int Nearer(int current)
    {
        lock (_lock)
        {
            return _nearest?.Looked(current) ?? -1;
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    private static int Draw(Random chance)
    {
        lock (chance)
        {
            return chance.Next();
        }
    }

    private TimeSpan Wait()
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            return _plan.Next(now, _chance).At - now;
        }
    }

    private void Tell(bool spreads)
    {
        if (spreads)
        {
            _metrics.Spread();
            ClientLog.Spreading(_logger, Wait(), Window);
        }
    }

    private async ValueTask<ClusterSession> TryAsync(Func<ClusterEndpoint, CancellationToken, ValueTask<ClusterSession>> connect,
        CancellationToken cancellationToken)
    {
        int place;
        lock (_lock)
        {
            place = _plan.Next(Now, _chance).Endpoint;
        }

        ClusterEndpoint endpoint = _options.Clusters[place];
        try
        {
            ClusterSession session = await connect(endpoint, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                _plan.Connected();
            }

            Measured(place, session.ConnectTook);

            return session;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Failed(place, e);
            throw;
        }
    }

    private void Failed(int place, Exception e)
    {
        ClusterEndpoint endpoint = _options.Clusters[place];
        ClusterBusyException? busy = e as ClusterBusyException;
        if (busy is not null)
        {
            _metrics.Busy();
            ClientLog.ClusterBusy(_logger, endpoint.Name, endpoint.Address, e.Message, busy.RetryAfter);
        }
        else if (e is CredentialsRefusedException)
        {
            ClientLog.CredentialsRefused(_logger, endpoint.Name, endpoint.Address, e.Message);
        }
        else
        {
            ClientLog.ConnectFailed(_logger, endpoint.Name, endpoint.Address, e.Message);
        }

        Measured(place, null);
        int rather = Find(endpoint, busy?.Reference);
        bool spreads;
        lock (_lock)
        {
            spreads = _plan.Failed(Now, busy?.RetryAfter, rather, _chance);
        }

        Tell(spreads);
    }

    private int Find(ClusterEndpoint from, string? reference)
    {
        int found = ServerReference.Find(reference, _options.Clusters);
        if (reference is not null)
        {
            string decided = found >= 0 ? $"{_options.Clusters[found].Name} comes next" : "none of them is a cluster of the options";
            ClientLog.Referred(_logger, from.Name, reference, decided);
        }

        return found;
    }
}
