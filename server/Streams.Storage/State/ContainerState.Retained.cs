using Streams.Core;

namespace Streams.Storage;

/// <summary>Which events are the retained messages of topics.</summary>
internal sealed partial class ContainerState
{
    /// <summary>Takes in which of an entry's events are to be retained; whether that changed anything. The rows of the topics must be those
    /// of this state, or -1.</summary>
    /// <param name="lane">The entry's lane.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="topics">Its topics, of an events entry.</param>
    /// <param name="position">Where its record stands in the log.</param>
    public bool ApplyRetained(LaneId lane, LaneEntry entry, BatchTopics? topics, long position)
    {
        bool any = false;
        foreach (ref readonly RetainedMention retained in topics is null ? default : topics.Retained)
        {
            RetainedMark mark = new(lane, entry.BaseOffset.Value + retained.Event, retained.Timestamp, retained.HasMessage, position);
            if (TopicsOf(lane, entry, topics!, retained.Mention, out int row) is { } known)
            {
                any |= known.JoinRetained(row, mark);
            }
        }

        return any;
    }

    /// <summary>What the state file says of a retained message; false when it does not know the topic.</summary>
    public bool TryLoadRetained(StreamPath stream, ReadOnlySpan<byte> topic, in RetainedMark mark, out bool changed)
    {
        changed = false;
        if (Topics.Of(stream) is not { } known || known.RowOf(BatchTopics.Hash(topic), topic) is not (>= 0 and var row))
        {
            return false;
        }

        changed = known.JoinRetained(row, mark);
        return true;
    }

    /// <summary>Whether an event of a lane stands among the entries that are kept: then it comes to others with them.</summary>
    public bool IsKept(LaneId lane, long offset) =>
        Lanes.Find(lane) is { } found && offset >= found.FirstOffset && offset < found.NextOffset;

    private bool JoinRetained(RetainedItem item)
    {
        StreamPath stream = item.Mark.Lane.Partition.Stream;
        JoinTopics(stream, [item.Topic]);
        StreamTopics known = Topics.Of(stream)!;
        byte[] name = System.Text.Encoding.UTF8.GetBytes(item.Topic.Topic.Value);
        bool changed = known.JoinRetained(known.RowOf(BatchTopics.Hash(name), name), item.Mark);
        if (changed)
        {
            _heldChanged[item.Mark.Lane] = Revision.Next();
        }

        return changed;
    }

    // Topics stand before the events that use them. Where damage took that entry, the event shows by itself that the topic exists, at the
    // latest since it was appended.
    private StreamTopics? TopicsOf(LaneId lane, LaneEntry entry, BatchTopics topics, int mention, out int row)
    {
        const long MaxMilliseconds = 1L << 47;        // what a hybrid moment has room for
        StreamPath stream = lane.Partition.Stream;
        row = topics.Rows[mention];
        if (row >= 0)
        {
            return Topics.Of(stream)!;
        }

        (ulong hash, ReadOnlyMemory<byte> topic, _, _) = topics.Mentions[mention];
        if (Topics.Of(stream) is not { } known || known.RowOf(hash, topic.Span) is not (>= 0 and var found))
        {
            long at = Math.Clamp(entry.AppendedAt / 1000, 0, MaxMilliseconds);
            HybridTimestamp moment = new((ulong)at << 16, lane.Origin.Cluster);
            Topics.Join(stream, new TopicFact(TopicName.FromValidated(topic.Span), moment));
            known = Topics.Of(stream)!;
            found = known.RowOf(hash, topic.Span);
        }

        row = found;
        return found < 0 ? null : known;
    }
}
