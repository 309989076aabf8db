using System.Net;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>A server in this process, on free ports, with a client of its HTTP API.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly HttpClient _http;

    private RunningHost(ServerHost host, CollectingLoggerProvider log)
    {
        Host = host;
        Log = log;
        _http = new HttpClient { BaseAddress = new Uri($"http://{host.Http}/") };
    }

    public ServerHost Host { get; }

    public CollectingLoggerProvider Log { get; }

    /// <summary>Whether errors in the log are what the test is about.</summary>
    public bool ExpectsErrors { get; init; }

    public static ServerOptions OptionsIn(TemporaryDirectory directory, string cluster = "sj") => new()
    {
        Cluster = ClusterName.Parse(cluster),
        DataDirectory = directory.Combine(cluster),
        Mqtt = new ListenAddress(IPAddress.Loopback, 0),
        Http = new ListenAddress(IPAddress.Loopback, 0),
        Link = new ListenAddress(IPAddress.Loopback, 0),
    };

    public static async Task<RunningHost> StartAsync(ServerOptions options, TimeProvider? time = null, bool expectsErrors = false)
    {
        CollectingLoggerProvider log = new();
        return new RunningHost(
            await ServerHost.StartAsync(options, time ?? TimeProvider.System, new Random(1), log, CancellationToken.None), log)
        {
            ExpectsErrors = expectsErrors,
        };
    }

    public Task<HttpResponseMessage> SendAsync(string path, HttpMethod? method = null, HttpContent? content = null) =>
        _http.SendAsync(new HttpRequestMessage(method ?? HttpMethod.Get, new Uri(path.TrimStart('/'), UriKind.Relative))
        {
            Content = content,
        });

    public async Task<JsonElement> GetAsync(string path, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await SendAsync(path);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode} {text}");
        Assert.Equal(
            expected is HttpStatusCode.OK || path == "/health" ? "application/json" : "application/problem+json",
            answer.Content.Headers.ContentType?.MediaType);
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    public Task<string> TextAsync(string path) => _http.GetStringAsync(new Uri(path.TrimStart('/'), UriKind.Relative));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Host.DisposeAsync();
        if (!ExpectsErrors)
        {
            Log.AssertNoErrors();
        }
    }
}
