using Streams.Core;

namespace Streams.Storage;

/// <summary>What the operations of a group, or of several that one flush covers, become: the bytes, and what publishing them will apply.
/// Later decisions look at it as if it were flushed; if it never is, they are answered no more than it is.</summary>
internal sealed class StagedGroup
{
    // A rare giant group must not hold memory for ever.
    private const int KeptRecords = 256;

    public LogBuffer Buffer { get; } = new();

    public List<StagedRecord> Records { get; } = [];

    public Dictionary<LaneId, LaneState> NewLanes { get; } = [];

    public List<LaneState> Touched { get; } = [];

    public ProducerLedger Runs { get; } = new();

    public TopicTable Topics { get; } = new(new StateRevision());

    public Dictionary<StreamPartition, Dictionary<ConsumerName, Cursor>> Commits { get; } = [];

    public HashSet<StreamPath> ChangedStreams { get; } = [];

    public HashSet<StateItem> Items { get; } = new(ItemBytes.Instance);

    /// <summary>First position of the segment in which it stands.</summary>
    public long Segment { get; set; }

    /// <summary>Whether publishing makes lanes longer.</summary>
    public bool ChangesLanes { get; set; }

    /// <summary>Forgets everything but the buffer.</summary>
    public void Clear()
    {
        Records.Clear();
        Items.Clear();
        if (Records.Capacity > KeptRecords)
        {
            Records.Capacity = KeptRecords;
            Items.TrimExcess();
        }

        NewLanes.Clear();
        Touched.Clear();
        Runs.Clear();
        Topics.Clear();
        Commits.Clear();
        ChangedStreams.Clear();
        ChangesLanes = false;
    }
}
