using Streams.Client;

namespace Streams.Simulation;

/// <summary>One device: the decisions of the product's own client, and where it is.</summary>
internal sealed class StormDevice(ReconnectPlan plan, byte[] list)
{
    public ReconnectPlan Plan => plan;

    /// <summary>The clusters behind the places of its list.</summary>
    public byte[] List => list;

    /// <summary>The cluster that serves it, or -1.</summary>
    public int At { get; set; } = -1;

    public FailBackPlan? Back { get; set; }

    /// <summary>When it was served again after the loss.</summary>
    public TimeSpan? ServedAt { get; set; }
}
