using Streams.Core;

namespace FleetFailover;

/// <summary>The two streams of the fleet.</summary>
internal static class FleetStreams
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly StreamPath Commands = StreamPath.Parse("/commands");

    /// <summary>A judge of both.</summary>
    public static Judge NewJudge(IReadOnlyList<string> cars, IReadOnlyList<string> clusters) => new(cars, clusters, Fleet, Commands);
}
