using System.Diagnostics.Metrics;

namespace Streams.EdgeAgent;

/// <summary>How much waits to go up under a route.</summary>
/// <param name="Name">The route's name.</param>
/// <param name="Events">Events.</param>
/// <param name="Bytes">What they count: topic, key, headers, payload and 64 bytes each.</param>
internal readonly record struct RouteFigures(string Name, long Events, long Bytes);

/// <summary>Why an event of a route does not go up.</summary>
internal enum LeftOut
{
    /// <summary>The route or the store was full.</summary>
    Full,

    /// <summary>It waited for longer than its time to live.</summary>
    Expired,

    /// <summary>A newer one of the same topic took its place.</summary>
    Superseded,

    /// <summary>The route takes one of several.</summary>
    Sampled,

    /// <summary>The publish was refused: the device has it still, or was told that it is not taken.</summary>
    Refused,
}

/// <summary>The figures of routes, under the meter <c>Streams.EdgeAgent</c>.</summary>
internal static class RouteMeter
{
    private static readonly Meter Meter = new("Streams.EdgeAgent");

    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>("streams.agent.route.dropped", "{event}",
        "Events that do not go up, by route and reason");

    /// <summary>Counts.</summary>
    public static void Add(string route, LeftOut reason, long events) => Dropped.Add(events,
        new KeyValuePair<string, object?>("route", route), new KeyValuePair<string, object?>("reason", NameOf(reason)));

    private static string NameOf(LeftOut reason) => reason switch
    {
        LeftOut.Full => "full",
        LeftOut.Expired => "expired",
        LeftOut.Superseded => "superseded",
        LeftOut.Sampled => "sampled",
        _ => "refused",
    };
}
