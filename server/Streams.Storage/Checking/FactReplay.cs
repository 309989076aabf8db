using Streams.Core;

namespace Streams.Storage;

/// <summary>Joins what records say into states, and tells when that is malformed. Each state is told of every record.</summary>
internal static class FactReplay
{
    /// <summary>Joins an entry's facts into both states; what is wrong with the entry, if something is.</summary>
    /// <param name="log">What the log says.</param>
    /// <param name="other">Another state, or <see langword="null"/>.</param>
    /// <param name="lane">The entry's lane.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="batch">Its batch, of an events entry.</param>
    /// <param name="isNews">Whether it changed the other state.</param>
    public static string? Apply(ContainerState log, ContainerState? other, LaneId lane, LaneEntry entry, EventBatch? batch,
        out bool isNews)
    {
        isNews = false;
        StreamPath stream = lane.Partition.Stream;
        switch (entry.Kind)
        {
            case EntryKind.Opened:
                log.JoinOrigin(lane.Origin);
                isNews = other?.JoinOrigin(lane.Origin) == true;
                return entry.Body.IsEmpty ? null : "an entry that opens an incarnation has a body";
            case EntryKind.Events:
                HeldRun run = new(batch!.Header.Run, lane.Origin, entry.BaseOffset);
                log.JoinRun(lane.Partition, run);
                isNews = other?.JoinRun(lane.Partition, run) == true;
                BatchTopics mentioned = BatchTopics.Of(batch);
                mentioned.Rows.Fill(-1);
                log.ApplyRetained(lane, entry, mentioned, 0);
                isNews |= other?.ApplyRetained(lane, entry, mentioned, 0) == true;
                return null;
            case EntryKind.Cursors when CursorCommits.TryRead(entry.Body, out List<KeyValuePair<ConsumerName, Cursor>> commits):
                foreach ((ConsumerName consumer, Cursor cursor) in commits)
                {
                    log.JoinCursor(lane.Partition, consumer, cursor);
                    isNews |= other?.JoinCursor(lane.Partition, consumer, cursor) == true;
                }

                return null;
            case EntryKind.Topics when TopicFacts.TryRead(entry.Body, out List<TopicFact> topics):
                log.JoinTopics(stream, topics);
                isNews = other?.JoinTopics(stream, topics) == true;
                return null;
            case EntryKind.Registers when RegisterFacts.TryRead(entry.Body, out List<RegisterFact> facts):
                log.JoinRegisters(stream, facts);
                isNews = other?.JoinRegisters(stream, facts) == true;
                return null;
            default:
                return $"the body of an entry of kind {entry.Kind} is malformed";
        }
    }

    /// <summary>Joins an item that came over a link.</summary>
    public static string? Apply(ContainerState log, ContainerState? other, in StateItem item, out bool isNews)
    {
        isNews = false;
        if (!StateItems.IsValid(item))
        {
            return $"a piece of state of kind {item.Kind} is malformed";
        }

        log.ApplyItem(item);
        isNews = other?.ApplyItem(item) == true;
        return null;
    }
}
