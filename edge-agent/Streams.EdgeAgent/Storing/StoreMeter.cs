using System.Diagnostics.Metrics;

namespace Streams.EdgeAgent;

/// <summary>The figures of the agent's store, under the meter <c>Streams.EdgeAgent</c>.</summary>
internal static class StoreMeter
{
    private static readonly Meter Meter = new("Streams.EdgeAgent");

    public static readonly Counter<long> Dropped = Meter.CreateCounter<long>("streams.agent.store.dropped", "{event}",
        "Events that went, by the settings of their stream or to make room, and that no cluster is known to have");
}
