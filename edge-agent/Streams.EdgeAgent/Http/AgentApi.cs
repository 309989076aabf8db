using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>What the agent answers over HTTP: health, metrics, its status for programs and for people. Everything is only read.</summary>
internal sealed class AgentApi(AgentFigures figures, ILogger logger) : IDisposable
{
    private readonly MetricCollector _metrics = new(figures.Host);

    /// <summary>Adds the answers.</summary>
    public void Map(WebApplication app) => app.Run(AnswerAsync);

    /// <inheritdoc/>
    public void Dispose() => _metrics.Dispose();

    private async Task AnswerAsync(HttpContext context)
    {
        try
        {
            context.Response.Headers.CacheControl = "no-store";
            if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            {
                context.Response.Headers.Allow = "GET, HEAD";
                await TextAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain", "Only GET and HEAD are answered.\n")
                    .ConfigureAwait(false);
                return;
            }

            await RouteAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Who asked is gone.
        }
        catch (Exception fault) when (!context.Response.HasStarted)
        {
            AgentLog.RequestFailed(logger, context.Request.Path, fault);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    private Task RouteAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/":
                context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
                return TextAsync(context, StatusCodes.Status200OK, "text/html; charset=utf-8", StatusPage.Write(figures));
            case "/health":
                (string status, string? reason) = figures.Health();
                return JsonAsync(context, reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
                    new HealthAnswer(status, reason, figures.Loop), AgentJson.Default.HealthAnswer);
            case "/metrics":
                return TextAsync(context, StatusCodes.Status200OK, MetricCollector.ContentType, _metrics.Scrape());
            case "/api/v1/status":
                return JsonAsync(context, StatusCodes.Status200OK, Status(), AgentJson.Default.StatusAnswer);
            default:
                return TextAsync(context, StatusCodes.Status404NotFound, "text/plain",
                    "There are /, /health, /metrics and /api/v1/status.\n");
        }
    }

    private StatusAnswer Status()
    {
        AgentHost host = figures.Host;
        (string status, string? reason) = figures.Health();
        Sample now = figures.Now();
        return new StatusAnswer(host.Options.Name.Value, host.Store.Origin.ToString(), status, reason, HelpText.Version,
            figures.Uptime.TotalSeconds, figures.Loop, host.Path.Text, now.Connections, figures.Gateway.Subscriptions, now.Events,
            now.Taken, now.Bytes,
            host.Options.Store.MaxBytes, host.Store.Commits,
            host.Listening.ToDictionary(static l => l.Name, static l => l.At.ToString()),
            [.. host.Store.Routes.Select(static r => new RouteAnswer(r.Name, r.Events, r.Bytes))]);
    }

    private static Task JsonAsync<T>(HttpContext context, int status, T answer, JsonTypeInfo<T> type) =>
        TextAsync(context, status, "application/json; charset=utf-8", JsonSerializer.Serialize(answer, type));

    private static async Task TextAsync(HttpContext context, int status, string type, string text)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
    }
}
