using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Streams.Cluster;

/// <summary>One request to one member of etcd, by its HTTP/JSON gateway. Says what happened and tries nothing again.</summary>
internal sealed class EtcdHttp : IDisposable
{
    /// <summary>Longest answer: a page of a listing, or a run of changes, in base64.</summary>
    public const int MaxAnswerBytes = 64 << 20;

    // A fault's text is for people; a proxy in between may answer with pages.
    private const int MaxFaultBytes = 4096;

    private readonly HttpClient _client;
    private readonly EtcdOptions _options;
    private readonly TimeProvider _time;
    private volatile string? _token;

    public EtcdHttp(EtcdOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = options.AttemptTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxConnectionsPerServer = 32,
            SslOptions = Tls(options),
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <summary>Asks and gets a whole answer within the time of an attempt.</summary>
    /// <exception cref="EtcdFaultException">There is none.</exception>
    public async Task<TAnswer> AskAsync<TQuestion, TAnswer>(Uri endpoint, string path, TQuestion question,
        JsonTypeInfo<TQuestion> questionType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(_options.AttemptTimeout, _time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(question, questionType);
            using HttpRequestMessage request = Request(endpoint, path, body);
            using HttpResponseMessage response =
                await _client.SendAsync(request, HttpCompletionOption.ResponseContentRead, both.Token).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw Fault(endpoint, (int)response.StatusCode, answer);
            }

            return JsonSerializer.Deserialize(answer, answerType) ?? throw new JsonException("null");
        }
        catch (Exception fault) when (Sorted(endpoint, fault, cancellationToken) is { } sorted)
        {
            throw sorted;
        }
    }

    /// <summary>Asks and gets the beginning of an answer that goes on; the caller disposes it.</summary>
    /// <exception cref="EtcdFaultException">There is none.</exception>
    public async Task<HttpResponseMessage> StreamAsync<TQuestion>(Uri endpoint, string path, TQuestion question,
        JsonTypeInfo<TQuestion> questionType, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(_options.AttemptTimeout, _time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(question, questionType);
            using HttpRequestMessage request = Request(endpoint, path, body);
            HttpResponseMessage response =
                await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                throw Fault(endpoint, (int)response.StatusCode,
                    await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false));
            }
        }
        catch (Exception fault) when (Sorted(endpoint, fault, cancellationToken) is { } sorted)
        {
            throw sorted;
        }
    }

    /// <summary>Gets a token for the user of the options.</summary>
    /// <exception cref="EtcdFaultException">There is none.</exception>
    public async Task LogInAsync(Uri endpoint, CancellationToken cancellationToken)
    {
        EtcdToken token = await AskAsync(endpoint, "v3/auth/authenticate", new EtcdLogin(_options.User!, _options.Password!),
            EtcdJson.Default.EtcdLogin, EtcdJson.Default.EtcdToken, cancellationToken).ConfigureAwait(false);
        _token = token.Token;
    }

    /// <summary>Whether a user is configured that has no token yet.</summary>
    public bool NeedsLogin => _options.User is not null && _token is null;

    /// <summary>Forgets the token.</summary>
    public void LogOut() => _token = null;

    /// <summary>What an error of the network, or of a text that is no answer, means; <see langword="null"/>: it is none of them.</summary>
    public static EtcdFaultException? Sorted(Uri endpoint, Exception fault, CancellationToken cancellationToken) => fault switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => null,
        OperationCanceledException =>
            new EtcdFaultException(EtcdFaultKind.Unanswered, $"etcd at {endpoint.Authority} did not answer in time", fault),
        HttpRequestException or IOException => new EtcdFaultException(EtcdFaultKind.Unanswered,
            $"etcd at {endpoint.Authority}: {fault.Message}{(fault.InnerException is { } inner ? $" {inner.Message}" : "")}", fault),
        JsonException =>
            new EtcdFaultException(EtcdFaultKind.Unanswered, $"what answers at {endpoint.Authority} is no etcd: {fault.Message}", fault),
        _ => null,
    };

    public void Dispose() => _client.Dispose();

    private static SslClientAuthenticationOptions Tls(EtcdOptions options)
    {
        SslClientAuthenticationOptions tls = new();
        if (options.Authorities is { } authorities)
        {
            X509ChainPolicy policy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(authorities);
            tls.CertificateChainPolicy = policy;
        }

        if (options.ClientCertificate is { } certificate)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null);
        }

        return tls;
    }

    private static EtcdFaultException Fault(Uri endpoint, int status, byte[] answer)
    {
        try
        {
            EtcdFault? fault = JsonSerializer.Deserialize(answer, EtcdJson.Default.EtcdFault);
            string text = fault?.Message ?? fault?.Error?.ToString() ?? "without a reason";
            return EtcdFaultException.Of(endpoint, fault?.Code ?? 0, status, text);
        }
        catch (JsonException)
        {
            string text = System.Text.Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, MaxFaultBytes)));
            return EtcdFaultException.Of(endpoint, 0, status, text.ReplaceLineEndings(" ").Trim());
        }
    }

    private HttpRequestMessage Request(Uri endpoint, string path, byte[] body)
    {
        HttpRequestMessage request = new(HttpMethod.Post, new Uri(endpoint, path)) { Content = new ByteArrayContent(body) };
        request.Version = HttpVersion.Version11;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        // A member that knows no leader shall say so instead of being silent.
        request.Headers.TryAddWithoutValidation("Grpc-Metadata-hasleader", "true");
        if (_token is { } token)
        {
            request.Headers.TryAddWithoutValidation("Authorization", token);
        }

        return request;
    }
}
