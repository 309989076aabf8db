using Streams.Core;

namespace Streams.Storage;

/// <summary>A record of the group under way: what publishing it will apply.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Lane">Its lane, if it has one.</param>
/// <param name="Content">An entry, a state item, an origin, a sealed run, or the (entry, offset) of a skip.</param>
/// <param name="Place">For an entry, where it stands.</param>
/// <param name="Batch">For an events entry, the head of its batch.</param>
internal readonly record struct StagedRecord(RecordKind Kind, LaneState? Lane, object? Content, EntryPlace Place, BatchHeader Batch)
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
                state.ApplyPlace(Lane!, entry, Place);
                state.ApplyFacts(Lane!.Id, entry, Batch);
                break;
            case RecordKind.LaneSkip:
                (EntryNumber first, Offset offset) = ((EntryNumber, Offset))Content!;
                state.ApplySkip(Lane!, first, offset);
                break;
            case RecordKind.Joined:
                state.ApplyItem((StateItem)Content!);
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
