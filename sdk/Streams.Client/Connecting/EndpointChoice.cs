using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Streams.Core;

namespace Streams.Client;

/// <summary>Finds a cluster that answers: carries out what <see cref="ReconnectPlan"/> decides, try after try.</summary>
internal sealed class EndpointChoice
{
    private readonly Lock _lock = new();
    private readonly StreamsClientOptions _options;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly ILogger _logger;
    private readonly ReconnectPlan _plan;
    private readonly ResiliencePipeline _tries;

    /// <summary>A choice among the clusters of the options.</summary>
    public EndpointChoice(StreamsClientOptions options, ClientMetrics metrics, TimeProvider time, Random chance, ILogger logger)
    {
        _options = options;
        _metrics = metrics;
        _time = time;
        _chance = new Random(Draw(chance));               // of its own: a Random is not for several threads
        _logger = logger;
        _plan = new ReconnectPlan([.. options.Clusters.Select(static c => c.Name)], ReconnectRules.Of(options));
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
    public async ValueTask<T> ConnectAsync<T>(Func<ClusterEndpoint, CancellationToken, ValueTask<T>> connect,
        CancellationToken cancellationToken)
    {
        TimeSpan wait = Wait();
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _time, cancellationToken);
        }

        return await _tries.ExecuteAsync(token => TryAsync(connect, token), cancellationToken);
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
    public void Lost(SessionLoss loss, bool wasUseful, bool isGood)
    {
        bool spreads;
        lock (_lock)
        {
            spreads = _plan.Lost(loss, wasUseful, isGood, Now, _chance);
        }

        Tell(spreads);
    }

    /// <summary>A session was ended in order to go back to the preferred cluster.</summary>
    public void Return()
    {
        lock (_lock)
        {
            _plan.Return(Now);
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

    private async ValueTask<T> TryAsync<T>(Func<ClusterEndpoint, CancellationToken, ValueTask<T>> connect,
        CancellationToken cancellationToken)
    {
        ClusterEndpoint endpoint;
        lock (_lock)
        {
            endpoint = _options.Clusters[_plan.Next(Now, _chance).Endpoint];
        }

        try
        {
            T session = await connect(endpoint, cancellationToken);
            lock (_lock)
            {
                _plan.Connected();
            }

            return session;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Failed(endpoint, e);
            throw;
        }
    }

    private void Failed(ClusterEndpoint endpoint, Exception e)
    {
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

        bool spreads;
        lock (_lock)
        {
            spreads = _plan.Failed(Now, busy?.RetryAfter, Find(busy?.Reference), _chance);
        }

        Tell(spreads);
    }

    // Never one that is not in the own list: whoever answers could else send the client anywhere.
    private int Find(string? reference)
    {
        for (int i = 0; i < _options.Clusters.Count; i++)
        {
            ClusterEndpoint endpoint = _options.Clusters[i];
            if (reference is not null && (reference == endpoint.Name.Value || reference == $"{endpoint.Host}:{endpoint.Port}"))
            {
                return i;
            }
        }

        return -1;
    }
}
