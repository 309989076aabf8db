using Streams.Core;

namespace Streams.Storage;

/// <summary>What the operations of a group, or of several that one flush covers, become: the bytes, and what publishing them will apply.
/// Later decisions look at it as if it were flushed; if it never is, they are answered no more than it is.</summary>
internal sealed class StagedGroup
{
    // A rare giant group must not hold memory for ever.
    private const int KeptRecords = 256;

    /// <summary>What staging may change beside the group, as it was.</summary>
    internal readonly record struct Mark(Origin? Origin, bool IsWriting, HybridClock? Clock);

    public LogBuffer Buffer { get; } = new();

    public List<StagedRecord> Records { get; } = [];

    public Dictionary<LaneId, LaneState> NewLanes { get; } = [];

    public List<LaneState> Touched { get; } = [];

    public ProducerLedger Runs { get; } = new();

    public TopicTable Topics { get; } = new(new StateRevision());

    /// <summary>The latest times of retained events. Topics stand for their hashes: two that have one only get times a little
    /// later.</summary>
    public Dictionary<(StreamPath Stream, ulong Topic), long> Stamps { get; } = [];

    public Dictionary<StreamPartition, Dictionary<ConsumerName, Cursor>> Commits { get; } = [];

    public HashSet<StreamPath> ChangedStreams { get; } = [];

    public HashSet<StateItem> Items { get; } = new(ItemBytes.Instance);

    /// <summary>First position of the segment in which it stands.</summary>
    public long Segment { get; private set; }

    /// <summary>Whether publishing makes lanes longer.</summary>
    public bool ChangesLanes { get; set; }

    /// <summary>Whether something is staged in it, be it nothing but an empty group, that is neither published nor given up.</summary>
    public bool IsStaged { get; private set; }

    /// <summary>As it was before anything was staged in it.</summary>
    public Mark Before { get; private set; }

    /// <summary>As it was before the last group was staged; the others of it are in the log.</summary>
    public Mark BeforeLast { get; private set; }

    /// <summary>How many records it had then.</summary>
    public int RecordsBeforeLast { get; private set; }

    /// <summary>Another group begins in it.</summary>
    public void Begin(long segment, in Mark now)
    {
        if (!IsStaged)
        {
            Clear();
            IsStaged = true;
            Before = now;
        }

        BeforeLast = now;
        RecordsBeforeLast = Records.Count;
        Segment = segment;
    }

    /// <summary>It is published, or given up. What it says stays to be read until the next one begins in it.</summary>
    public void End()
    {
        IsStaged = false;
        foreach (LaneState lane in Touched)
        {
            lane.EndStaging(this);
        }
    }

    /// <summary>Forgets the records from one on, of which nothing is in the log, nor will be.</summary>
    public void Forget(int from)
    {
        for (int i = from; i < Records.Count; i++)
        {
            if (Records[i] is { Kind: RecordKind.LaneDeclared, Lane: { } lane })
            {
                lane.DeclaredIn = -1;
            }
        }

        Records.RemoveRange(from, Records.Count - from);
    }

    // All but the buffer.
    private void Clear()
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
        bool manyStamps = Stamps.Count > KeptRecords;
        Stamps.Clear();
        if (manyStamps)
        {
            Stamps.TrimExcess(KeptRecords);
        }

        Commits.Clear();
        ChangedStreams.Clear();
        ChangesLanes = false;
    }
}
