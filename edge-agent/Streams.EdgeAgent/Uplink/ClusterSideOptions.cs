using Streams.Client;

namespace Streams.EdgeAgent;

/// <summary>Which clusters the agent speaks to, how, and what it fetches from them.</summary>
internal sealed record ClusterSideOptions : ClusterOptions
{
    /// <summary>The streams that are fetched for the devices behind the agent; none by default, at most 256.</summary>
    public IReadOnlyList<DownlinkStream> Downlinks { get; init; } = [];
}
