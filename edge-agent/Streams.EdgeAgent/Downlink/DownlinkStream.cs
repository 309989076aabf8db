using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A stream whose events are fetched from the clusters for the devices behind the agent.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Consumer">The name of the cursor, which the clusters keep and replicate: another box that takes the agent's place under
/// the same name goes on where this one was.</param>
internal sealed record DownlinkStream(StreamPath Stream, ConsumerName Consumer)
{
    /// <summary>MQTT topic filters on the topics within the stream; none means all.</summary>
    public IReadOnlyList<string> Filters { get; init; } = [];

    /// <summary>Where to begin when nobody has the cursor yet. Default with the first event that is kept.</summary>
    public StartPosition Start { get; init; } = StartPosition.Earliest;

    /// <summary>Most bytes that a cluster sends ahead of what is on disk here. Default 1 MiB.</summary>
    public uint CreditBytes { get; init; } = 1 << 20;

    /// <summary>What is wrong; <see langword="null"/> when nothing is.</summary>
    public string? Fault =>
        Stream.IsSystem ? $"downlink {Stream}: it is not a stream of applications"
        : Filters.Count > OpenRequest.MaxFilters ? $"downlink {Stream}: {Filters.Count} filters, at most {OpenRequest.MaxFilters}"
        : CreditBytes < 64 << 10 ? $"downlink {Stream}: {CreditBytes} bytes of credit, at least 65536"
        : Consumer.Value.StartsWith("mqtt/", StringComparison.Ordinal) || Consumer.Value.StartsWith("share/", StringComparison.Ordinal)
            ? $"downlink {Stream}: the cursors of MQTT clients are called like {Consumer}"
        : null;
}
