using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Streams.Core;

namespace Streams.Client;

/// <summary>Finds a cluster that answers: in the order of the list, with jittered exponential back-off between rounds, and without
/// those that have failed lately as long
/// as others answer.</summary>
internal sealed class EndpointChoice
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(500);   // of a circuit breaker

    private readonly StreamsClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ResiliencePipeline _rounds;
    private readonly ResiliencePipeline[] _breakers;
    private readonly long[] _avoidUntil;

    /// <summary>A choice among the clusters of the options.</summary>
    public EndpointChoice(StreamsClientOptions options, TimeProvider time, Random chance, ILogger logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _rounds = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = options.ConnectBackoff.First,
            MaxDelay = options.ConnectBackoff.Longest,
            Randomizer = () => Jitter(chance),
            ShouldHandle = new PredicateBuilder().Handle<NoClusterException>(),
        }).Build();
        _breakers = [.. options.Clusters.Select(_ => new ResiliencePipelineBuilder { TimeProvider = time }.AddCircuitBreaker(
            new CircuitBreakerStrategyOptions
        {
            MinimumThroughput = 2,
            FailureRatio = 0.9,
            SamplingDuration = Max(options.ConnectBackoff.Longest * 4, Shortest),
            BreakDuration = Max(options.ConnectBackoff.Longest, Shortest),
            ShouldHandle = new PredicateBuilder().Handle<Exception>(static e => e is not OperationCanceledException),
        }).Build())];
        _avoidUntil = new long[options.Clusters.Count];
    }

    /// <summary>Goes on until a cluster answers.</summary>
    public async ValueTask<T> ConnectAsync<T>(Func<ClusterEndpoint, CancellationToken, ValueTask<T>> connect,
        CancellationToken cancellationToken) =>
        await _rounds.ExecuteAsync(token => RoundAsync(connect, token), cancellationToken);

    /// <summary>A cluster takes connections and is no good: the others come first for a while.</summary>
    public void Avoid(ClusterEndpoint endpoint)
    {
        int at = _options.Clusters.ToList().IndexOf(endpoint);
        TimeSpan span = _options.FailBackAfter == Timeout.InfiniteTimeSpan ? TimeSpan.FromSeconds(30) : _options.FailBackAfter;
        _avoidUntil[at] = _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static double Jitter(Random chance)
    {
        lock (chance)
        {
            return chance.NextDouble();
        }
    }

    private async ValueTask<T> RoundAsync<T>(Func<ClusterEndpoint, CancellationToken, ValueTask<T>> connect,
        CancellationToken cancellationToken)
    {
        List<int> passedOver = [];
        for (int i = 0; i < _breakers.Length; i++)
        {
            if (_avoidUntil[i] > _time.GetTimestamp())
            {
                passedOver.Add(i);
                continue;
            }

            try
            {
                return await _breakers[i].ExecuteAsync(token => connect(_options.Clusters[i], token), cancellationToken);
            }
            catch (BrokenCircuitException)
            {
                passedOver.Add(i);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                Tell(i, e);
            }
        }

        foreach (int i in passedOver)                    // nobody else answers: better those than none
        {
            try
            {
                return await connect(_options.Clusters[i], cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                Tell(i, e);
            }
        }

        throw new NoClusterException();
    }

    private void Tell(int i, Exception e)
    {
        ClusterEndpoint endpoint = _options.Clusters[i];
        ClientLog.ConnectFailed(_logger, endpoint.Name, endpoint.Host, endpoint.Port, e.Message);
    }

    private sealed class NoClusterException : Exception;
}
