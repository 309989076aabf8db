using Streams.Core;

namespace Streams.Storage;

/// <summary>A record of the group under way: what publishing it will apply.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Lane">Its lane, if it has one.</param>
/// <param name="Content">An entry, a state item, an origin, a sealed run, or the (entry, offset, bytes before) of a skip.</param>
/// <param name="Place">For an entry or a state item, where it stands.</param>
/// <param name="Batch">For an events entry, the head of its batch.</param>
/// <param name="Topics">For an events entry, the topics of its events.</param>
internal readonly record struct StagedRecord(RecordKind Kind, LaneState? Lane, object? Content, EntryPlace Place, BatchHeader Batch,
    BatchTopics? Topics = null)
{
    /// <summary>Applies the record: it is flushed.</summary>
    public void Publish(ContainerState state)
    {
        switch (Kind)
        {
            case RecordKind.LaneDeclared when state.Lanes.Find(Lane!.Id) is null:
                state.AddLane(Lane);
                break;
            case RecordKind.LaneEntry:
                LaneEntry entry = (LaneEntry)Content!;
                state.ApplyPlace(Lane!, entry, Place, Topics);
                state.ApplyFacts(Lane!.Id, entry, Batch);
                state.ApplyRetained(Lane.Id, entry, Topics, Place.Position);
                break;
            case RecordKind.LaneRepaired:
                LaneEntry repaired = (LaneEntry)Content!;
                state.ApplyRepair(Lane!, repaired.Number.Value, Place);
                StorageMeter.GotBack.Add(1);
                state.ApplyFacts(Lane!.Id, repaired, Batch);
                state.ApplyRetained(Lane.Id, repaired, Topics, Place.Position);
                break;
            case RecordKind.LaneLost:
                state.ApplyMissing(Lane!, (MissingRun)Content!);
                break;
            case RecordKind.LaneSkip:
                (EntryNumber first, Offset offset, long before) = ((EntryNumber, Offset, long))Content!;
                state.ApplySkip(Lane!, first, offset, before);
                break;
            case RecordKind.Joined:
                state.ApplyItem((StateItem)Content!, Place.Position);
                break;
            case RecordKind.OriginSet:
                state.ApplyOwnOrigin((Origin)Content!);
                break;
            case RecordKind.PartitionletSealed:
                Lane!.SealRun((SealedRun)Content!);
                break;
        }
    }
}
