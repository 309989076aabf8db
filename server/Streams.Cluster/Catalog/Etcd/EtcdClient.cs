using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>Requests to whichever member of etcd serves: from the one that served last to the next, round and round, until the time of a
/// call is over.</summary>
internal sealed class EtcdClient(EtcdOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly EtcdHttp _http = new(options, time);
    private readonly bool[] _failing = new bool[options.Endpoints.Count];
    private int _current;

    public EtcdOptions Options => options;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    public EtcdHttp Http => _http;

    /// <summary>The member to ask now.</summary>
    public Uri Endpoint => options.Endpoints[Volatile.Read(ref _current)];

    /// <summary>Asks until one answers: for what may be done twice.</summary>
    /// <exception cref="TryAgainException">None did in time.</exception>
    /// <exception cref="ConfigurationException">Etcd refuses for good.</exception>
    /// <exception cref="EtcdFaultException">The lease or the revision is gone.</exception>
    public async Task<TAnswer> AskAsync<TQuestion, TAnswer>(string path, TQuestion question, JsonTypeInfo<TQuestion> questionType,
        JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await AskOnceAsync(path, question, questionType, answerType, cancellationToken).ConfigureAwait(false);
            }
            catch (EtcdFaultException fault) when (fault.Kind is EtcdFaultKind.Unanswered or EtcdFaultKind.Overloaded)
            {
                if (time.GetElapsedTime(began) >= options.CallTimeout)
                {
                    throw Away(fault, attempt);
                }
            }

            if (attempt % options.Endpoints.Count == 0)
            {
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Asks one member, once. When it does not serve, the next one is asked the next time.</summary>
    /// <exception cref="EtcdFaultException">It did not answer.</exception>
    /// <exception cref="ConfigurationException">Etcd refuses for good.</exception>
    public async Task<TAnswer> AskOnceAsync<TQuestion, TAnswer>(string path, TQuestion question, JsonTypeInfo<TQuestion> questionType,
        JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        int current = Volatile.Read(ref _current);
        Uri endpoint = options.Endpoints[current];
        for (bool again = false; ; again = true)
        {
            try
            {
                await LogInAsync(endpoint, cancellationToken).ConfigureAwait(false);
                TAnswer answer = await _http.AskAsync(
                    endpoint, path, question, questionType, answerType, cancellationToken).ConfigureAwait(false);
                Volatile.Write(ref _failing[current], false);
                return answer;
            }
            catch (EtcdFaultException fault) when (fault.Kind == EtcdFaultKind.Unauthenticated && options.User is not null && !again)
            {
                _http.LogOut();
            }
            catch (EtcdFaultException fault)
            {
                throw Turn(current, fault);
            }
        }
    }

    /// <summary>Logs in where that is configured and not done yet.</summary>
    /// <exception cref="EtcdFaultException">It failed.</exception>
    public Task LogInAsync(Uri endpoint, CancellationToken cancellationToken) =>
        _http.NeedsLogin ? _http.LogInAsync(endpoint, cancellationToken) : Task.CompletedTask;

    /// <summary>Goes on to the next member when this one does not serve, and gives the error to raise.</summary>
    public Exception Turn(int current, EtcdFaultException fault)
    {
        switch (fault.Kind)
        {
            case EtcdFaultKind.Refused or EtcdFaultKind.Unauthenticated:
                return new ConfigurationException($"{fault.Message}. etcd must let {Who} use keys under /streams/{options.Cluster}/");
            case EtcdFaultKind.Unanswered:
                Interlocked.CompareExchange(ref _current, (current + 1) % options.Endpoints.Count, current);
                if (!Interlocked.Exchange(ref _failing[current], true))
                {
                    ClusterLog.EndpointFailed(logger, options.Endpoints[current].Authority, fault.Message);
                }

                return fault;
            default:
                return fault;
        }
    }

    /// <summary>The index of <see cref="Endpoint"/>.</summary>
    public int Current => Volatile.Read(ref _current);

    public void Dispose() => _http.Dispose();

    private string Who => options.User is { } user ? $"user {user}" : "anybody, or a user must be configured who may,";

    private TryAgainException Away(EtcdFaultException fault, int attempts) =>
        new($"etcd did not serve within {options.CallTimeout.TotalSeconds:0.#} s and {attempts} attempts at "
            + $"{options.Endpoints.Count} endpoints; the last: {fault.Message}", fault);
}
