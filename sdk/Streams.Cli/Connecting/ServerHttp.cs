using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Streams.Cli;

/// <summary>A cluster's HTTP API.</summary>
internal sealed class ServerHttp(Uri address, TimeSpan timeout) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = timeout };

    /// <summary>Reads the address of an API.</summary>
    public static bool Address(string? text, out Uri value, out string? fault)
    {
        string full = text is not null && text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}";
        bool ok = Uri.TryCreate(full.TrimEnd('/') + "/", UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https";
        value = ok ? uri! : null!;
        fault = ok ? null : $"'{text}' must be HOST:PORT or a URL, as in 127.0.0.1:8080";
        return ok;
    }

    /// <summary>Gets an answer.</summary>
    /// <exception cref="CliException">Nobody answers, or the answer is an error.</exception>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Get, path, type, anyStatus: false, cancellationToken);

    /// <summary>Gets an answer whose status does not matter.</summary>
    /// <exception cref="CliException">Nobody answers.</exception>
    public Task<T> GetAnyAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Get, path, type, anyStatus: true, cancellationToken);

    /// <summary>Asks for a change.</summary>
    /// <exception cref="CliException">Nobody answers, or the answer is an error.</exception>
    public Task<T> PostAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Post, path, type, anyStatus: false, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<T> AskAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, bool anyStatus,
        CancellationToken cancellationToken)
    {
        try
        {
            using HttpRequestMessage request = new(method, path);
            using HttpResponseMessage answer = await _http.SendAsync(request, cancellationToken);
            if (!answer.IsSuccessStatusCode && !anyStatus)
            {
                throw await RefusedAsync(answer, cancellationToken);
            }

            return await answer.Content.ReadFromJsonAsync(type, cancellationToken)
                ?? throw new JsonException("the answer is empty");
        }
        catch (HttpRequestException e)
        {
            throw new CliException(ExitCode.Unreachable, $"{address}: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Unreachable, $"{address}: no answer within {timeout.TotalSeconds:0.#} s");
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCode.Refused, $"{address}{path}: the answer is not of this API: {e.Message}");
        }
    }

    private async Task<CliException> RefusedAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        string body = await answer.Content.ReadAsStringAsync(cancellationToken);
        string detail = $"status {(int)answer.StatusCode}";
        try
        {
            using JsonDocument problem = JsonDocument.Parse(body);
            detail = problem.RootElement.TryGetProperty("detail", out JsonElement said) ? said.GetString() ?? detail : detail;
        }
        catch (JsonException)
        {
            // Not an answer of this API: the status must do.
        }

        bool later = (int)answer.StatusCode == 503;
        return new CliException(later ? ExitCode.Unreachable : ExitCode.Refused,
            $"{address} {(later ? "is not ready" : "refused")}: {detail}");
    }
}
