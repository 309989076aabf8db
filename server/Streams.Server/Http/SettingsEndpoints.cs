using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Streams.Core;

namespace Streams.Server;

/// <summary>The settings of a stream over HTTP: <c>/api/v1/streams/fleet/settings</c> are those of <c>/fleet</c>.</summary>
internal static class SettingsEndpoints
{
    public const string Route = "/api/v1/streams/{**rest}";

    private const string Base = "/api/v1/streams";
    private const string End = "/settings";

    public static async Task AnswerAsync(HttpContext context, Engine engine)
    {
        if (!TryStream(context.Request.Path, out StreamPath stream, out string? fault))
        {
            await (fault is null ? Problem.NotFoundAsync(context, $"{context.Request.Path} is no path of this API")
                : Problem.BadRequestAsync(context, fault));
        }
        else if (HttpMethods.IsPut(context.Request.Method))
        {
            await PutAsync(context, engine, stream);
        }
        else if (engine.Store.Settings(stream) is { } settings)
        {
            await WriteAsync(context, stream, settings);
        }
        else
        {
            await LaneEndpoints.UnknownStreamAsync(context, stream);
        }
    }

    private static async Task PutAsync(HttpContext context, Engine engine, StreamPath stream)
    {
        StreamSettings? known = engine.Store.Settings(stream);
        StreamSettings? wanted;
        string? fault;
        try
        {
            using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            wanted = SettingsReader.Read(body.RootElement, known, out fault);
        }
        catch (JsonException malformed)
        {
            (wanted, fault) = (null, "the body is no JSON: " + malformed.Message);
        }

        if (wanted is null)
        {
            await Problem.BadRequestAsync(context, fault!);
            return;
        }

        if (wanted != known || engine.Store.Register(stream, StreamSettings.RegisterKey) is null)
        {
            await engine.Store.SetRegisterAsync(stream, StreamSettings.RegisterKey, wanted.Write(), context.RequestAborted);
        }

        await WriteAsync(context, stream, engine.Store.Settings(stream) ?? wanted);
    }

    private static Task WriteAsync(HttpContext context, StreamPath stream, StreamSettings settings) =>
        Json.WriteAsync(context, SettingsReader.Write(stream, settings), ApiJson.Default.SettingsAnswer);

    // A stream may lie deeper than one level, and its slashes may be escaped or not.
    private static bool TryStream(PathString path, out StreamPath stream, out string? fault)
    {
        stream = default;
        fault = null;
        string text = path.Value ?? string.Empty;
        if (!text.StartsWith(Base, StringComparison.Ordinal) || !text.EndsWith(End, StringComparison.Ordinal)
            || text.Length <= Base.Length + End.Length)
        {
            return false;
        }

        string name = text[Base.Length..^End.Length].Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        name = name.StartsWith("//", StringComparison.Ordinal) ? name[1..] : name;
        return StreamPath.TryParse(name, out stream, out fault);
    }
}
