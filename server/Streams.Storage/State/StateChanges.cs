using Streams.Core;

namespace Streams.Storage;

/// <summary>What of the derived state changed since it was last written to its file. Its size is bounded by the records between two writings.</summary>
internal sealed class StateChanges
{
    public HashSet<(StreamPartition Partition, ConsumerName Consumer)> Cursors { get; } = [];

    public HashSet<(StreamPath Stream, string Key)> Registers { get; } = [];

    public List<(StreamPath Stream, TopicFact Fact)> Topics { get; } = [];

    public List<(StreamPartition Partition, HeldRun Run)> Runs { get; } = [];

    public List<Origin> Origins { get; } = [];

    public HashSet<LaneState> Lanes { get; } = [];
}
