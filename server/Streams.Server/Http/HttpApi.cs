using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>The routes of the HTTP API, and what they have in common: errors as problems, and 503 until the data is open.</summary>
internal sealed class HttpApi(ServerState state, StatusReport report, MetricCollector metrics, ILogger logger)
{
    /// <summary>Adds the routes.</summary>
    public void Map(WebApplication app)
    {
        app.Use(GuardAsync);
        app.UseRouting();
        Get(app, "/health", HealthAsync);
        Get(app, "/metrics", MetricsAsync);
        Get(app, "/api/v1/status", context => Json.WriteAsync(context, report.Status(), ApiJson.Default.StatusAnswer));
        Get(app, "/api/v1/links", context => Json.WriteAsync(context, report.Links(), ApiJson.Default.LinksAnswer));
        Data(app, "/api/v1/streams", LaneEndpoints.StreamsAsync);
        app.MapMethods(SettingsEndpoints.Route, [HttpMethods.Get, HttpMethods.Head, HttpMethods.Put],
            Needing(SettingsEndpoints.AnswerAsync));
        Data(app, "/api/v1/lanes", LaneEndpoints.LanesAsync);
        Data(app, "/api/v1/lanes/read", LaneEndpoints.ReadAsync);
        Data(app, "/api/v1/lanes/digest", LaneEndpoints.DigestAsync);
        app.MapMethods(DamageEndpoints.Route, [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post],
            Needing(DamageEndpoints.AnswerAsync));
        app.MapMethods(CursorEndpoints.Route, [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post],
            Needing(CursorEndpoints.AnswerAsync));
        Data(app, "/api/v1/topics", StorageEndpoints.TopicsAsync);
        Data(app, "/api/v1/latest", StorageEndpoints.LatestAsync);
        Data(app, "/api/v1/chains", StorageEndpoints.ChainsAsync);
    }

    private static void Get(WebApplication app, string path, RequestDelegate answer) =>
        app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], answer);

    /// <summary>A route that needs the store: also while draining, for what is read then is as durable as before.</summary>
    private void Data(WebApplication app, string path, Func<HttpContext, Engine, Task> answer) => Get(app, path, Needing(answer));

    private RequestDelegate Needing(Func<HttpContext, Engine, Task> answer) => context =>
        state.Engine is { } engine ? answer(context, engine) : Problem.UnavailableAsync(context, $"{state.Phase}: {state.Reason}");

    private Task HealthAsync(HttpContext context)
    {
        (string status, string? reason) = state.Health();
        context.Response.StatusCode = reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        HealthAnswer answer = new(status, reason);
        return Json.WriteAsync(context, answer, ApiJson.Default.HealthAnswer);
    }

    private async Task MetricsAsync(HttpContext context)
    {
        context.Response.ContentType = MetricCollector.ContentType;
        await context.Response.WriteAsync(metrics.Scrape(), context.RequestAborted);
    }

    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            HttpResponse response = context.Response;
            if (!response.HasStarted && response.ContentLength is null
                && response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
            {
                await NoRouteAsync(context);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone.
        }
        catch (Exception fault) when (!context.Response.HasStarted)
        {
            ServerLog.RequestFailed(logger, context.Request.Path, fault);
            await Problem.OfAsync(context, fault);
        }
        catch (Exception fault)
        {
            // Half an answer is out: only breaking the connection tells the client that it is no whole one.
            ServerLog.RequestFailed(logger, context.Request.Path, fault);
            context.Abort();
        }
    }

    private static Task NoRouteAsync(HttpContext context) => context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed
        ? Problem.WriteAsync(context, context.Response.StatusCode, "Not allowed",
            $"{context.Request.Path} takes {context.Response.Headers.Allow}")
        : Problem.NotFoundAsync(context, $"{context.Request.Path} is no path of this API");
}
