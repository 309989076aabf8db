using Streams.Core;

namespace Streams.Cluster;

/// <summary>Where the catalog of a cluster of one node lives, and how careful it is.</summary>
public sealed record CatalogOptions
{
    /// <summary>The name of the cluster; the data directory must belong to it.</summary>
    public required ClusterName Cluster { get; init; }

    /// <summary>The data directory; made when it is missing.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The witness file. <see langword="null"/> is the default: beside the data directory, its name and <c>.witness</c>; then,
    /// if it cannot be
    /// written, the cluster starts without one and says so. A file named here must be writable.</summary>
    public string? WitnessFile { get; init; }

    /// <summary>When a new incarnation is opened. Default <see cref="IncarnationPolicy.Guarded"/>.</summary>
    public IncarnationPolicy Policy { get; init; }

    /// <summary>Whether this start is declared a restore from a copy.</summary>
    public bool RestoreDeclared { get; init; }
}
