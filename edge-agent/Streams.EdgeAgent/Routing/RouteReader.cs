using System.Collections.Immutable;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.EdgeAgent;

/// <summary>Reads the routes.</summary>
internal static class RouteReader
{
    private const int MaxRoutes = 256;
    private const int MaxNameBytes = 128;

    /// <summary>Reads them; what is wrong is among the faults.</summary>
    public static ImmutableArray<Route> Read(ConfigObject root)
    {
        ImmutableArray<Route>.Builder routes = ImmutableArray.CreateBuilder<Route>();
        foreach (ConfigObject each in root.Objects("routes", MaxRoutes))
        {
            Route route = ReadOne(each);
            if (routes.Any(r => r.Filter == route.Filter))
            {
                each.Fault("filter", $"'{route.Filter}' is the filter of an earlier route too, which counts: this one matches nothing");
            }
            else if (routes.Any(r => r.Name == route.Name))
            {
                each.Fault("name", $"'{route.Name}' is the name of another route too");
            }

            routes.Add(route);
        }

        if (routes.Count > 0 && !root.Has("clusters"))
        {
            root.Fault("routes", "say what goes up, but there are no clusters");
        }

        return routes.ToImmutable();
    }

    private static Route ReadOne(ConfigObject route)
    {
        route.Require("filter", "\"plant/+/temperature\"");
        string filter = route.Read<string>("filter", IsFilter, null) ?? route.Path;
        ConfigObject? sample = route.Object("sample");
        Route read = new(filter)
        {
            Name = route.Read<string>("name", IsName, null) ?? filter,
            Stream = route.Has("stream") ? route.Read<StreamPath>("stream", IsStream, default) : null,
            Priority = (int)route.Number("priority", Route.DefaultPriority, 0, Route.LastPriority),
            TimeToLive = route.Has("timeToLive")
                ? route.Duration("timeToLive", default, TimeSpan.FromSeconds(1), TimeSpan.FromDays(3660)) : null,
            MaxBytes = route.Has("maxBytes") ? route.Bytes("maxBytes", Route.LeastBytes, Route.LeastBytes, 1L << 44) : null,
            Policy = route.Word("policy", OutboxPolicy.Block, ("block", OutboxPolicy.Block), ("reject", OutboxPolicy.Reject),
                ("dropOldest", OutboxPolicy.DropOldest), ("dropNewest", OutboxPolicy.DropNewest),
                ("keepLatest", OutboxPolicy.KeepLatestPerKey)),
            IsLocal = route.Word("up", false, ("yes", false), ("never", true)),
            Every = (int)(sample?.Number("every", 1, 2, 1_000_000) ?? 1),
            Interval = sample?.Duration("interval", TimeSpan.Zero, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(366)) ?? TimeSpan.Zero,
        };
        if (sample is not null && sample.Has("every") == sample.Has("interval"))
        {
            route.Fault("sample", "give either every, as in { \"every\": 10 }, or interval, as in { \"interval\": \"PT1M\" }");
        }

        foreach (string key in new[] { "stream", "priority", "timeToLive", "maxBytes", "policy", "sample" })
        {
            if (read.IsLocal && route.Has(key))
            {
                route.Fault(key, $"means nothing: {route.At("up")} is \"never\"");
            }
        }

        if (read.MaxBytes is null && read.Policy is OutboxPolicy.Reject or OutboxPolicy.DropNewest)
        {
            route.Fault("policy", $"needs {route.At("maxBytes")}: it says what happens when those are full");
        }

        sample?.End();
        route.End();
        return read;
    }

    private static bool IsFilter(string? text, out string? filter, out string? fault)
    {
        filter = text;
        fault = TopicFilter.FaultInFilter(text ?? string.Empty, shares: false);
        return fault is null;
    }

    private static bool IsStream(string? text, out StreamPath stream, out string? fault)
    {
        if (StreamPath.TryParse(text, out stream, out fault) && stream.IsSystem)
        {
            fault = "it is not a stream of applications";
        }

        return fault is null;
    }

    private static bool IsName(string? text, out string? name, out string? fault)
    {
        name = text;
        fault = Encoding.UTF8.GetByteCount(text ?? string.Empty) <= MaxNameBytes && text?.Contains('\n', StringComparison.Ordinal) == false
            ? null : $"at most {MaxNameBytes} bytes, on one line";
        return fault is null;
    }
}
