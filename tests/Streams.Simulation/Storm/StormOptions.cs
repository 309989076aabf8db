namespace Streams.Simulation;

/// <summary>Which runs a storm has.</summary>
internal enum StormHints
{
    /// <summary>One without and one with hints, compared.</summary>
    Both,

    /// <summary>Only with hints and the clusters' limit of accepted connections.</summary>
    On,

    /// <summary>Only without both.</summary>
    Off,
}

/// <summary>What storm is played.</summary>
internal sealed record StormOptions
{
    /// <summary>Devices, all at the cluster that is lost. 1 to 1,000,000.</summary>
    public int Devices { get; init; } = 100_000;

    /// <summary>Clusters, the lost one included. 2 to 64.</summary>
    public int Clusters { get; init; } = 5;

    /// <summary>Everything that is random follows from it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Which runs.</summary>
    public StormHints Hints { get; init; }

    /// <summary>Handshakes that one cluster can do in a second: what makes a herd dangerous.</summary>
    public int HandshakesPerSecond { get; init; } = 2500;

    /// <summary>Connections that each cluster accepts in a second when hints are on (<c>--accept-rate</c>).</summary>
    public int AcceptRate { get; init; } = 2000;

    /// <summary>Of what all others accept together, the part that the cluster lost was told of (<c>--devices-per-second</c>).</summary>
    public double Prudence { get; init; } = 0.75;
}
