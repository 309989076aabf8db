using Streams.Core;

namespace Streams.Storage;

/// <summary>What of the derived state changed since it was last written to its file. Its size is bounded by the records between two
/// writings.</summary>
internal sealed class StateChanges
{
    public HashSet<(StreamPartition Partition, ConsumerName Consumer)> Cursors { get; } = [];

    public HashSet<(StreamPath Stream, string Key)> Registers { get; } = [];

    public List<(StreamPath Stream, TopicFact Fact)> Topics { get; } = [];

    public List<(StreamPartition Partition, HeldRun Run)> Runs { get; } = [];

    public List<Origin> Origins { get; } = [];

    public HashSet<LaneState> Lanes { get; } = [];

    /// <summary>The values as they are now, for writing outside the lock.</summary>
    public StateRows Capture(ContainerState state, long position) => new()
    {
        Position = position,
        OwnOrigin = state.OwnOrigin,
        Cursors = [.. Cursors.Select(c => (c.Partition, c.Consumer, state.Cursors.Get(c.Consumer, c.Partition)))],
        Registers = [.. Registers.Select(r => (r.Stream, state.Registers.Get(r.Stream, r.Key)!.Value))],
        Topics = Topics,
        Runs = Runs,
        Origins = Origins,
        Lanes = [.. Lanes.Select(l => l.Status)],
    };
}

/// <summary>Values to be written to the state file together with the log position up to which they hold.</summary>
internal sealed class StateRows
{
    public required long Position { get; init; }

    public required Origin? OwnOrigin { get; init; }

    public required IReadOnlyList<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> Cursors { get; init; }

    public required IReadOnlyList<(StreamPath Stream, RegisterFact Fact)> Registers { get; init; }

    public required IReadOnlyList<(StreamPath Stream, TopicFact Fact)> Topics { get; init; }

    public required IReadOnlyList<(StreamPartition Partition, HeldRun Run)> Runs { get; init; }

    public required IReadOnlyList<Origin> Origins { get; init; }

    public required IReadOnlyList<LaneStatus> Lanes { get; init; }
}
