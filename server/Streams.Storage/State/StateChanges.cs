using Streams.Core;

namespace Streams.Storage;

/// <summary>What of the derived state changed since it was last written to its file and has no revision by which that could be seen. Its
/// size is bounded by the records between two writings.</summary>
internal sealed class StateChanges
{
    public List<(StreamPartition Partition, HeldRun Run)> Runs { get; } = [];

    public List<Origin> Origins { get; } = [];

    public HashSet<LaneState> Lanes { get; } = [];
}
