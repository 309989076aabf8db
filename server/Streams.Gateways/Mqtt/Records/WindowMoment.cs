using Streams.Core;

namespace Streams.Gateways;

/// <summary>When a connection wrote its session's window last. Belongs to whoever writes it, one after the other.</summary>
internal sealed class WindowMoment
{
    /// <summary>The moment, whether the write is flushed, on its way, or was refused.</summary>
    public HybridTimestamp At { get; set; }
}
