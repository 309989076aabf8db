using Streams.Core;

namespace Streams.Geo;

/// <summary>Where a link leads.</summary>
/// <param name="Name">The name of the cluster that must answer there; another one is refused.</param>
/// <param name="Host">Host name or address.</param>
/// <param name="Port">Port of its link endpoint.</param>
public sealed record LinkTarget(ClusterName Name, string Host, int Port);
