using Streams.Core;

namespace Streams.Storage;

/// <summary>Reads the event of a retained message from the record that holds it.</summary>
internal static class RetainedReader
{
    // Most records are shorter: then they take one read.
    private const int FirstBytes = 4 << 10;

    /// <summary>The event, as slices of memory of its own; <see langword="null"/> when the record is not there or does not hold
    /// it.</summary>
    /// <param name="log">The log.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="mark">Which event, and where.</param>
    /// <param name="canWait">Whether the caller lets the read go on beside it; else it completes before this returns.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public static async ValueTask<RetainedItem?> ReadAsync(SegmentLog log, TopicFact topic, RetainedMark mark, bool canWait,
        CancellationToken cancellationToken)
    {
        Segment segment = log.Find(mark.Position);
        long at = mark.Position - segment.First;
        if (at < 0)
        {
            return null;                              // its segment went
        }

        byte[] record = new byte[FirstBytes];
        int read = await ReadAsync(segment, at, record, canWait, cancellationToken);
        if (!RecordHeader.TryReadHead(record.AsSpan(0, read), out RecordHeader head))
        {
            return null;
        }

        if (RecordHeader.Size + head.BodyLength > read)
        {
            record = new byte[RecordHeader.Size + head.BodyLength];
            read = await ReadAsync(segment, at, record, canWait, cancellationToken);
        }

        return RecordHeader.TryRead(record.AsSpan(0, read), mark.Position, out head)
            ? Event(head.Kind, record.AsMemory(RecordHeader.Size, head.BodyLength), topic, mark) : null;
    }

    private static ValueTask<int> ReadAsync(Segment segment, long at, byte[] into, bool canWait, CancellationToken cancellationToken) =>
        canWait ? segment.File.ReadAsync(at, into, cancellationToken) : new ValueTask<int>(segment.File.Read(at, into));

    private static RetainedItem? Event(RecordKind kind, ReadOnlyMemory<byte> body, TopicFact topic, in RetainedMark mark)
    {
        switch (kind)
        {
            case RecordKind.Joined when RecordBodies.TryReadItem(body, out StateItem item) && item.Kind == StateKind.Retained
                && RetainedItem.TryRead(item, mark.Position, out RetainedItem carried):
                return carried.Mark == mark && carried.Topic.Topic == topic.Topic ? carried with { Topic = topic } : null;
            case RecordKind.LaneEntry or RecordKind.LaneRepaired when RecordBodies.TryReadEntry(body, out _, out LaneEntry? entry)
                && entry!.Kind == EntryKind.Events && EventBatch.TryParse(entry.Body, out EventBatch? batch, out _):
                foreach (EventView view in batch!.Events)
                {
                    if (entry.BaseOffset.Value + view.Index == mark.Offset)
                    {
                        return TopicName.FromValidated(view.Topic.Span) == topic.Topic
                            ? new RetainedItem(topic, mark, view.Key, view.Headers, view.Payload) : null;
                    }
                }

                return null;
            default:
                return null;
        }
    }
}
