using Streams.Core;

namespace Streams.Geo;

/// <summary>The clusters whose lanes some route of links brings here, in the order in which they became known; only ever grows.</summary>
internal interface IReachable
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>Those from <paramref name="first"/> on, at most <paramref name="max"/>.</summary>
    IReadOnlyList<ClusterName> From(int first, int max);
}
