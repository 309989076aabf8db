using Streams.Core;

namespace Streams.Cluster;

/// <summary>The file <c>neighbours.json</c>: what was learnt of other clusters, so that after a restart readers know at once which lanes
/// can still come.
/// It can be deleted: it is learnt again, within the links' time of grace.</summary>
/// <param name="Reach">The clusters whose lanes some route of links brings here.</param>
/// <param name="Senders">Those of them that link here themselves.</param>
public sealed record NeighboursRecord(IReadOnlyList<ClusterName> Reach, IReadOnlyList<ClusterName> Senders) : SealedRecord;
