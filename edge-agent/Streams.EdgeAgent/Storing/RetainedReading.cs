using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Reading retained messages.</summary>
internal static class RetainedReading
{
    /// <summary>Which event is a topic's retained message.</summary>
    public static RetainedHead? Head(LocalConnection db, LaneBook book, StreamPath stream, byte[] topic)
    {
        Statement select = db.Use("SELECT lane, offset, at, is_there FROM retained WHERE stream=?1 AND topic=?2")
            .Bind(1, stream.Value).Bind(2, topic);
        RetainedHead? head = select.Step() ? Head(select, book, topic, 0) : null;
        select.Reset();
        return head;
    }

    /// <summary>Some topics that have one, behind a row.</summary>
    public static RetainedPage Page(LocalConnection db, LaneBook book, StreamPath stream, int from, int max)
    {
        List<RetainedHead> heads = [];
        int rows = 0;
        int next = from;
        Statement select = db.Use("SELECT id, topic, lane, offset, at, is_there FROM retained WHERE stream=?1 AND id>?2 ORDER BY id"
                + " LIMIT ?3")
            .Bind(1, stream.Value).Bind(2, (long)from).Bind(3, (long)max);
        while (select.Step())
        {
            rows++;
            next = (int)select.Long(0);
            if (select.Long(5) != 0 && Head(select, book, select.Blob(1).ToArray(), 2) is { } head)
            {
                heads.Add(head);
            }
        }

        select.Reset();
        return new RetainedPage(heads, rows < max ? -1 : next);
    }

    /// <summary>A topic's retained message.</summary>
    public static RetainedMessage? Message(LocalConnection db, LaneBook book, StreamPath stream, ReadOnlyMemory<byte> topic)
    {
        Statement select = db.Use("SELECT lane, offset, at, is_there, key, headers, payload FROM retained WHERE stream=?1 AND topic=?2")
            .Bind(1, stream.Value).Bind(2, topic.Span);
        RetainedMessage? message = select.Step() && select.Long(3) != 0 && Head(select, book, topic.ToArray(), 0) is { } head
            ? new RetainedMessage(head, select.Blob(4).ToArray(), select.Blob(5).ToArray(),
                select.Blob(6).ToArray())
            : null;
        select.Reset();
        return message;
    }

    // A lane that was made this moment is in the file a moment before it is in memory.
    private static RetainedHead? Head(Statement row, LaneBook book, byte[] topic, int column) => book.Of(row.Long(column)) is { } lane
        ? new RetainedHead(topic, lane, new Offset(row.Long(column + 1)), row.Long(column + 2), row.Long(column + 3) != 0) : null;
}
