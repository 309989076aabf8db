namespace Streams.Testing;

/// <summary>The line a <see cref="CuttingProxy"/> plays. Both limits hold for each direction by itself.</summary>
public sealed record CuttingProxyOptions
{
    /// <summary>The port to listen on; default a fresh one.</summary>
    public int? Port { get; init; }

    /// <summary>Each byte arrives this much later. Default zero.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Bytes per second for all connections together; default unlimited.</summary>
    public int? MaxBytesPerSecond { get; init; }
}
