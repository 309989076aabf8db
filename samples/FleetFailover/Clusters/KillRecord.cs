namespace FleetFailover;

/// <summary>A kill as it happened.</summary>
/// <param name="Cluster">Who.</param>
/// <param name="AtSeconds">Seconds from the beginning of the load to the kill.</param>
/// <param name="DownSeconds">From the kill until it was healthy again; null when it never was.</param>
/// <param name="CarsConnected">Cars that were connected to it.</param>
internal sealed record KillRecord(string Cluster, double AtSeconds, double? DownSeconds, int CarsConnected);
