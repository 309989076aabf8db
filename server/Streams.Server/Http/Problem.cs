using Microsoft.AspNetCore.Http;
using Streams.Core;

namespace Streams.Server;

/// <summary>Errors of the HTTP API: always <c>application/problem+json</c>, never a stack trace.</summary>
internal static class Problem
{
    private const string ContentType = "application/problem+json";

    /// <summary>Answers with an error.</summary>
    public static Task WriteAsync(HttpContext context, int status, string title, string detail)
    {
        context.Response.StatusCode = status;
        return Json.WriteAsync(context, new ProblemAnswer(title, status, detail), ApiJson.Default.ProblemAnswer, ContentType);
    }

    /// <summary>The request itself is wrong.</summary>
    public static Task BadRequestAsync(HttpContext context, string detail) =>
        WriteAsync(context, StatusCodes.Status400BadRequest, "The request is wrong", detail);

    /// <summary>What was asked for is not here.</summary>
    public static Task NotFoundAsync(HttpContext context, string detail) =>
        WriteAsync(context, StatusCodes.Status404NotFound, "Not found", detail);

    /// <summary>It cannot be answered now.</summary>
    public static Task UnavailableAsync(HttpContext context, string detail) =>
        WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Not available now", detail);

    /// <summary>The error that an exception stands for.</summary>
    public static Task OfAsync(HttpContext context, Exception fault) => fault switch
    {
        InvalidFormatException => WriteAsync(context, StatusCodes.Status500InternalServerError, "The data is damaged here", fault.Message),
        InvalidRequestException => BadRequestAsync(context, fault.Message),
        BadHttpRequestException bad => WriteAsync(context, bad.StatusCode, "The request is wrong", bad.Message),
        TryAgainException or StorageFailedException or ObjectDisposedException => UnavailableAsync(context, fault.Message),
        _ => WriteAsync(context, StatusCodes.Status500InternalServerError, "The server failed", "an unexpected fault; the log names it"),
    };
}
