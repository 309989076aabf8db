using Streams.Core;

namespace Streams.Storage;

/// <summary>Everything derived from the log, flushed records only (rule R1). The writer publishes a group and opening replays the log
/// through the same methods. Pure: no input or output, no clock.</summary>
/// <remarks>Every Apply is idempotent for facts, so replay may begin anywhere before what the state already holds. Not safe for several
/// threads: the container reads and publishes under one lock.</remarks>
internal sealed partial class ContainerState
{
    private readonly Dictionary<LaneId, long> _heldChanged = [];

    public ContainerState()
    {
        Cursors = new CursorTable(Revision);
        Registers = new RegisterTable(Revision);
        Topics = new TopicTable(Revision);
        Origins = new OriginTable(Revision);
    }

    /// <summary>Counts the changes of joined state.</summary>
    public StateRevision Revision { get; } = new();

    public LaneTable Lanes { get; } = new();

    /// <summary>What the segment being written, or read, holds.</summary>
    public SegmentContents Contents { get; set; } = new(keepsItems: false);

    /// <summary>What the segments hold that have ended and whose index files are being made, oldest first.</summary>
    public List<SegmentContents> Ended { get; } = [];

    public ProducerLedger Ledger { get; } = new();

    public CursorTable Cursors { get; }

    public RegisterTable Registers { get; }

    public TopicTable Topics { get; }

    public OriginTable Origins { get; }

    public StreamTable Streams { get; } = new();

    /// <summary>Which lanes have what in which segment.</summary>
    public SegmentBook Segments { get; } = new();

    /// <summary>The origin under which was written last.</summary>
    public Origin? OwnOrigin { get; private set; }

    public long Entries { get; private set; }

    public long Events { get; private set; }

    /// <summary>The highest hybrid moment seen in any fact: a new clock must not give an earlier one.</summary>
    public HybridTimestamp Latest { get; private set; }

    /// <summary>Where changes are noted for the state file; <see langword="null"/> when none is kept.</summary>
    public StateChanges? Changes { get; set; }

    public StreamSettings? Settings(StreamPath stream) => Streams.Settings(stream, Registers.Get(stream, StreamSettings.RegisterKey));

    public LaneState Declare(int number, LaneId id)
    {
        LaneState lane = Lanes.Declare(number, id);
        Streams.Note(id.Partition.Stream, id.Partition.Partition.Value);
        return lane;
    }

    /// <summary>A lane that the writer made and whose declaration is flushed now.</summary>
    public void AddLane(LaneState lane)
    {
        Lanes.Add(lane);
        Streams.Note(lane.Id.Partition.Stream, lane.Id.Partition.Partition.Value);
    }

    /// <summary>An entry stands in the log, and mentions these topics.</summary>
    public void ApplyPlace(LaneState lane, LaneEntry entry, in EntryPlace place, BatchTopics? topics)
    {
        lane.Add(entry.Number.Value, entry.NextOffset.Value, entry.AppendedAt, place, Contents);
        NoteDamage(lane);
        Segments.Add(lane, entry.Number.Value, place.Bytes, entry.AppendedAt);
        Lanes.Grew(lane);
        Changes?.Lanes.Add(lane);
        Entries++;
        Events += entry.EventCount;
        if (topics is not null)
        {
            Saw(lane, entry, topics);
        }
    }

    /// <summary>Lanes of which entries are, or were, damaged.</summary>
    public HashSet<LaneState> Damaged { get; } = [];

    /// <summary>An entry that was damaged was got back, and stands at a place.</summary>
    public void ApplyRepair(LaneState lane, long entry, in EntryPlace place)
    {
        if (entry >= lane.FirstEntry && entry < lane.NextEntry)
        {
            lane.Repair(entry, place);
            Segments.AddRepaired(lane, entry, place.Bytes);
        }
    }

    /// <summary>Entries of a lane are not there.</summary>
    public void ApplyMissing(LaneState lane, MissingRun run)
    {
        lane.TakeOut(run, Contents);
        NoteDamage(lane);
        Lanes.Grew(lane);
        Changes?.Lanes.Add(lane);
    }

    /// <summary>A part of a lane stands in a segment that has an index file.</summary>
    public void ApplyPart(LaneState lane, SegmentIndex index, in FilePartShape shape)
    {
        lane.Add(index, shape, Contents);
        NoteDamage(lane);
        Segments.Add(lane, shape.FirstEntry, shape.FirstEntry + shape.Count, shape.Bytes, shape.FirstAppendedBy, shape.AppendedBy);
        Lanes.Grew(lane);
        Changes?.Lanes.Add(lane);
        Entries += shape.Count;
        Events += shape.Events;
    }

    /// <summary>A lane's copy begins at an entry; <paramref name="bytesBefore"/> as <see cref="LaneState.BytesBefore"/> gives
    /// it.</summary>
    public void ApplySkip(LaneState lane, EntryNumber first, Offset firstOffset, long bytesBefore)
    {
        if (lane.FirstEntry > 0 && first.Value <= lane.FirstEntry)
        {
            return;                                  // written again, because the record that said it was about to go
        }

        lane.SkipTo(first.Value, firstOffset.Value, bytesBefore, Contents.KeepsItems);
        Lanes.Grew(lane);
        _heldChanged[lane.Id] = Revision.Next(); // runs of entries that went are state from now on (rule R8)
        Changes?.Lanes.Add(lane);
    }

    /// <summary>Takes in what an entry says beside its place. The body must be valid.</summary>
    public void ApplyFacts(LaneId lane, LaneEntry entry, in BatchHeader batch)
    {
        switch (entry.Kind)
        {
            case EntryKind.Opened:
                JoinOrigin(lane.Origin);
                break;
            case EntryKind.Events:
                JoinRun(lane.Partition, new HeldRun(batch.Run, lane.Origin, entry.BaseOffset));
                break;
            case EntryKind.Cursors when CursorCommits.TryRead(entry.Body, out List<KeyValuePair<ConsumerName, Cursor>> commits):
                foreach ((ConsumerName consumer, Cursor cursor) in commits)
                {
                    JoinCursor(lane.Partition, consumer, cursor);
                }

                break;
            case EntryKind.Topics when TopicFacts.TryRead(entry.Body, out List<TopicFact> topics):
                JoinTopics(lane.Partition.Stream, topics);
                break;
            case EntryKind.Registers when RegisterFacts.TryRead(entry.Body, out List<RegisterFact> facts):
                JoinRegisters(lane.Partition.Stream, facts);
                break;
        }
    }

    /// <summary>Joins an item; whether that changed anything.</summary>
    /// <param name="item">A valid item.</param>
    /// <param name="position">Where its record stands in the log.</param>
    public bool ApplyItem(in StateItem item, long position = 0) => item.Kind switch
    {
        StateKind.Cursor => StateItems.TryReadCursor(item, out ConsumerName consumer, out Cursor cursor)
            && JoinCursor(item.Partition, consumer, cursor),
        StateKind.Register => RegisterFacts.TryRead(item.Body, out List<RegisterFact> facts) && JoinRegisters(item.Partition.Stream, facts),
        StateKind.Topics => TopicFacts.TryRead(item.Body, out List<TopicFact> topics) && JoinTopics(item.Partition.Stream, topics),
        StateKind.Opened => StateItems.TryReadOpened(item, out Origin origin) && JoinOrigin(origin),
        StateKind.Held => StateItems.TryReadHeld(item, out HeldRun held) && JoinHeld(item.Partition, held),
        StateKind.Retained => RetainedItem.TryRead(item, position, out RetainedItem retained) && JoinRetained(retained),
        _ => false,
    };

    public void ApplyOwnOrigin(Origin origin)
    {
        OwnOrigin = origin;
        Origins.Join(origin);
        Changes?.Origins.Add(origin);
    }

    public bool JoinOrigin(Origin origin)
    {
        bool changed = Origins.Join(origin);
        if (changed)
        {
            Changes?.Origins.Add(origin);
        }

        return changed;
    }

    public bool JoinRun(StreamPartition partition, HeldRun held)
    {
        bool changed = Ledger.Add(partition, held, out HeldRun grown);
        if (changed)
        {
            Changes?.Runs.Add((partition, grown));
        }

        return changed;
    }

    /// <summary>Whether the runs of a lane whose entries are not kept changed since a revision.</summary>
    public bool HeldChanged(LaneId lane, long since) => since < 1 || _heldChanged.GetValueOrDefault(lane) > since;

    private bool JoinHeld(StreamPartition partition, HeldRun held)
    {
        bool changed = JoinRun(partition, held);
        if (changed)
        {
            _heldChanged[new LaneId(partition, held.Origin)] = Revision.Next();
        }

        return changed;
    }

    public bool JoinCursor(StreamPartition partition, ConsumerName consumer, Cursor cursor) =>
        Cursors.Join(consumer, partition, cursor);

    public bool JoinTopics(StreamPath stream, IReadOnlyList<TopicFact> facts)
    {
        bool any = false;
        foreach (TopicFact fact in facts)
        {
            Observe(fact.CreatedAt);
            if (Topics.Join(stream, fact))
            {
                any = true;
            }
        }

        return any;
    }

    public bool JoinRegisters(StreamPath stream, IReadOnlyList<RegisterFact> facts)
    {
        bool any = false;
        foreach (RegisterFact fact in facts)
        {
            Observe(fact.At);
            if (Registers.Join(stream, fact, out _))
            {
                any = true;
                if (fact.Key == StreamSettings.RegisterKey)
                {
                    Streams.Note(stream, -1);
                }
            }
        }

        return any;
    }

    private void NoteDamage(LaneState lane)
    {
        if (lane.Damaged.Count > 0)
        {
            Damaged.Add(lane);
        }
    }

    private void Saw(LaneState lane, LaneEntry entry, BatchTopics topics)
    {
        if (Topics.Of(lane.Id.Partition.Stream) is { } known)
        {
            known.Saw(lane, entry, topics, Contents.Mentions);
            return;
        }

        foreach (ref readonly TopicMention mention in topics.Mentions)
        {
            Contents.Mentions.AddOther(lane.Number, mention.Hash, entry.Number.Value);
        }
    }

    private void Observe(HybridTimestamp at)
    {
        if (at.Value > Latest.Value)
        {
            Latest = at;
        }
    }
}
