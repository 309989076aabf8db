using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Retained messages: a row a topic, with a copy of the event, so that retention takes none away.</summary>
internal sealed partial class LocalTransaction
{
    private long RetainedAt(StreamPath stream, ReadOnlySpan<byte> topic)
    {
        Statement select = _db.Use("SELECT at FROM retained WHERE stream=?1 AND topic=?2").Bind(1, stream.Value).Bind(2, topic);
        long at = select.Step() ? select.Long(0) : long.MinValue;
        select.Reset();
        return at;
    }

    private void Retain(LaneRow lane, long offset, EventBatch batch)
    {
        foreach (EventView view in batch.Events)
        {
            if (view.IsRetained)
            {
                Retain(lane, offset + view.Index, view);
            }
        }
    }

    // The later one counts, whatever the order in which they come: by time, then origin, partition and offset.
    private void Retain(LaneRow lane, long offset, in EventView view)
    {
        string stream = lane.Lane.Partition.Stream.Value;
        Statement select = _db.Use("SELECT at, lane, offset FROM retained WHERE stream=?1 AND topic=?2")
            .Bind(1, stream).Bind(2, view.Topic.Span);
        bool isEarlier = select.Step() && IsBefore(lane.Lane, offset, view.TimestampMicroseconds, select);
        select.Reset();
        if (isEarlier)
        {
            return;
        }

        _db.Use("INSERT INTO retained(stream, topic, lane, offset, at, is_there, key, headers, payload)"
                + " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(stream, topic) DO UPDATE SET lane=?3, offset=?4, at=?5,"
                + " is_there=?6, key=?7, headers=?8, payload=?9")
            .Bind(1, stream).Bind(2, view.Topic.Span).Bind(3, lane.Row).Bind(4, offset).Bind(5, view.TimestampMicroseconds)
            .Bind(6, view.Payload.IsEmpty ? 0L : 1L).Bind(7, view.Key.Span).Bind(8, view.Headers.Span).Bind(9, view.Payload.Span).Run();
    }

    private bool IsBefore(LaneId lane, long offset, long at, Statement kept)
    {
        int compared = at.CompareTo(kept.Long(0));
        if (compared == 0)
        {
            LaneId other = LaneOf(kept.Long(1));
            compared = lane.Origin.CompareTo(other.Origin);
            compared = compared != 0 ? compared : lane.Partition.Partition.Value.CompareTo(other.Partition.Partition.Value);
            compared = compared != 0 ? compared : offset.CompareTo(kept.Long(2));
        }

        return compared < 0;
    }

    private LaneId LaneOf(long row)
    {
        foreach (LaneRow lane in _lanes.Values)
        {
            if (lane.Row == row)
            {
                return lane.Lane;
            }
        }

        return _book.Of(row) ?? throw new StorageFailedException($"{LocalSchema.Owner}: lane {row} is not in the table of lanes");
    }
}
