using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A stretch of a lane that came down from a cluster: [<paramref name="From"/>, <paramref name="To"/>).</summary>
/// <param name="Lane">The lane.</param>
/// <param name="From">Its first offset.</param>
/// <param name="To">Behind its last offset.</param>
/// <param name="After">What must be passed first (rule R5).</param>
/// <param name="Batches">The batches in it with the offsets of their first events, in order; what lies between them did not
/// come.</param>
internal sealed record DownStretch(LaneId Lane, Offset From, Offset To, AfterVector After,
    IReadOnlyList<(long Offset, EventBatch Batch)> Batches);
