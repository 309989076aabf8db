using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What the file has room for, and what goes to make room.</summary>
/// <remarks>Events that a cluster has go first, the oldest before the others, whatever their stream; what nobody else has goes only by
/// the settings of its stream or where the store drops the oldest. What goes is counted and logged.</remarks>
internal sealed partial class LocalTransaction
{
    private const int RowsAtOnce = 256;
    private const int RetainedAtOnce = 4096;         // entries that retention takes in one transaction

    private readonly FileLimits _limits;
    private long _room;
    private long _dropped;

    /// <summary>Bytes of the database that are in use.</summary>
    public long UsedBytes => (Number("PRAGMA page_count") - Number("PRAGMA freelist_count")) * FileLimits.PageBytes;

    /// <summary>Events dropped in this transaction that no cluster is known to have.</summary>
    public long Dropped => _dropped;

    /// <summary>Removes what the settings of streams let go; whether there is more to remove.</summary>
    public bool Retain()
    {
        int left = RetainedAtOnce;
        foreach (LaneRow lane in _book.All)
        {
            if (left > 0 && _book.Settings(lane.Lane.Partition.Stream) is { KeepsAll: false } settings)
            {
                left -= Retain(Lane(lane.Lane), settings, left);
            }
        }

        return left <= 0;
    }

    private void Measure() => _room = _limits.EventBytes - UsedBytes;

    private long Number(string pragma)
    {
        Statement statement = _db.Use(pragma);
        long value = statement.Step() ? statement.Long(0) : 0;
        statement.Reset();
        return value;
    }

    private void RequireRoom(int bytes)
    {
        long worst = FileLimits.WorstOfOne(bytes);
        if (worst > _room)
        {
            MakeRoom(worst);
        }

        if (worst > _room)
        {
            throw new TryAgainException($"the store is full: {_options.MaxBytes} bytes, and nothing may go before a cluster has it");
        }

        _room -= worst;
    }

    // In pieces great enough that the next events find room too.
    private void MakeRoom(long bytes)
    {
        long wanted = Math.Max(bytes, _limits.EventBytes / 64);
        PriorityQueue<LaneId, long> oldest = new();
        foreach (LaneRow lane in _book.All)
        {
            Enqueue(oldest, lane.Lane);
        }

        long taken = _limits.EventBytes - UsedBytes - _room;  // of what this transaction has put in, at its worst
        while (_room < wanted && oldest.TryDequeue(out LaneId next, out _))
        {
            LaneRow lane = Lane(next);
            if (RemoveFirst(lane, MayGoTo(lane), RowsAtOnce) > 0)
            {
                Enqueue(oldest, next);
            }

            Measure();
            _room -= Math.Max(taken, 0);
        }

        while (_room < wanted && (RemoveOver(RowsAtOnce) || DropWaiting(RowsAtOnce)))
        {
            Measure();
            _room -= Math.Max(taken, 0);
        }
    }

    private long MayGoTo(LaneRow lane) =>
        _options.WhenFull == WhenStoreFull.DropOldest ? BeforeWays(lane, lane.NextOffset, WayState.Placed, WayState.Placed)
        : !lane.IsOwn ? lane.NextOffset
        : BeforeWays(lane, Math.Max(lane.Sent, 0), WayState.Waiting, WayState.Placed);

    // Before the first entry of a lane that is on its way up by a route.
    private long BeforeWays(LaneRow lane, long limit, WayState from, WayState to)
    {
        if (limit <= lane.FirstOffset)
        {
            return limit;
        }

        Statement select = _db.Use("SELECT id FROM ways WHERE id>=?1 AND id<?2 AND state BETWEEN ?3 AND ?4 ORDER BY id LIMIT 1")
            .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset)).Bind(2, LocalSchema.EntryId(lane.Row, limit)).Bind(3, (long)from)
            .Bind(4, (long)to);
        limit = select.Step() ? LocalSchema.OffsetOf(select.Long(0)) : limit;
        select.Reset();
        return limit;
    }

    // What does not go up, or has gone, wherever it stands in its lane: those who read here find a gap.
    private bool RemoveOver(int most)
    {
        List<(long Id, long Bytes)> over = [];
        Statement select = _db.Use("SELECT w.id, length(e.body) FROM ways w LEFT JOIN entries e ON e.id=w.id WHERE w.state=2"
            + " ORDER BY w.route, w.turn LIMIT ?1").Bind(1, (long)most);
        while (select.Step())
        {
            over.Add((select.Long(0), select.Long(1)));
        }

        select.Reset();
        foreach ((long id, long bytes) in over)
        {
            _db.Use("DELETE FROM entries WHERE id=?1").Bind(1, id).Run();
            _db.Use("DELETE FROM ways WHERE id=?1").Bind(1, id).Run();
            LaneRow lane = Lane(LaneOf(LocalSchema.LaneRowOf(id)));
            Put(lane with { Bytes = lane.Bytes - bytes });
            _changed.Add(lane.Lane.Partition.Stream);
        }

        return over.Count > 0;
    }

    // The oldest of what its route lets go.
    private bool DropWaiting(int most)
    {
        StoredRoute? oldest = null;
        long turn = long.MaxValue;
        foreach (StoredRoute route in _routes.All)
        {
            if (route.Decided.Policy == OutboxPolicy.DropOldest && First(route) is { } first && first.Turn < turn)
            {
                (oldest, turn) = (route, first.Turn);
            }
        }

        int dropped = 0;
        while (oldest is not null && dropped < most && DropFirst(oldest))
        {
            dropped++;
        }

        return dropped > 0;
    }

    private void Enqueue(PriorityQueue<LaneId, long> oldest, LaneId id)
    {
        LaneRow lane = Lane(id);
        if (lane.FirstOffset < MayGoTo(lane))
        {
            Statement select = _db.Use("SELECT at FROM entries WHERE id>=?1 ORDER BY id LIMIT 1")
                .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset));
            long at = select.Step() ? select.Long(0) : long.MaxValue;
            select.Reset();
            oldest.Enqueue(id, at);
        }
    }

    // Whole entries that end at or before an offset; gives how many went.
    private int RemoveFirst(LaneRow lane, long limit, int most)
    {
        (int rows, long entry, long offset, long bytes, long last) = (0, lane.FirstEntry, lane.FirstOffset, 0, 0);
        Statement select = _db.Use("SELECT id, number, events, length(body) FROM entries WHERE id>=?1 AND id<?2 ORDER BY id LIMIT ?3")
            .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset)).Bind(2, LocalSchema.EntryId(lane.Row, limit)).Bind(3, (long)most);
        while (select.Step() && LocalSchema.OffsetOf(select.Long(0)) + select.Long(2) is var behind && behind <= limit)
        {
            rows++;
            (last, entry, offset, bytes) = (select.Long(0), select.Long(1) + 1, behind, bytes + select.Long(3));
        }

        select.Reset();
        if (rows > 0)
        {
            long routed = RemoveWays(LocalSchema.EntryId(lane.Row, lane.FirstOffset), last,
                LocalSchema.EntryId(lane.Row, Math.Max(lane.FirstOffset, lane.Sent)));
            _db.Use("DELETE FROM entries WHERE id>=?1 AND id<=?2")
                .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset)).Bind(2, last).Run();
            _dropped += lane.IsOwn ? Math.Max(0, offset - Math.Max(lane.FirstOffset, lane.Sent) - routed) : 0;
            Put(lane with { FirstEntry = entry, FirstOffset = offset, Bytes = lane.Bytes - bytes });
            _changed.Add(lane.Lane.Partition.Stream);
        }

        return rows;
    }

    // What waits is dropped, and told of; gives how many events from an entry on took routes.
    private long RemoveWays(long first, long last, long from)
    {
        List<long> waiting = [];
        Statement select = _db.Use("SELECT id FROM ways WHERE id>=?1 AND id<=?2 AND state=0").Bind(1, first).Bind(2, last);
        while (select.Step())
        {
            waiting.Add(select.Long(0));
        }

        select.Reset();
        foreach (long id in waiting)
        {
            Drop(WayOf(id, WayState.Waiting)!.Value, GapReason.Full);
        }

        Statement sum = _db.Use("SELECT sum(events) FROM ways WHERE id>=?1 AND id<=?2").Bind(1, Math.Max(first, from)).Bind(2, last);
        long events = sum.Step() ? sum.Long(0) : 0;
        sum.Reset();
        _db.Use("DELETE FROM ways WHERE id>=?1 AND id<=?2").Bind(1, first).Bind(2, last).Run();
        return events;
    }

    // What waits to be sent up stays, as at a cluster what a link has not passed on yet.
    private int Retain(LaneRow lane, StreamSettings settings, int most)
    {
        long limit = BeforeWays(lane, lane.Sent >= 0 ? lane.Sent : lane.NextOffset, WayState.Waiting, WayState.Placed);
        long oldest = settings.RetentionAge is { } age ? _now - (long)age.TotalMicroseconds : long.MaxValue;
        long surplus = settings.RetentionBytes is { } kept ? lane.Bytes - kept : long.MaxValue;
        if (surplus <= 0)
        {
            return 0;
        }

        long behind = lane.FirstOffset;
        Statement select = _db.Use("SELECT id, events, at, length(body) FROM entries WHERE id>=?1 AND id<?2 ORDER BY id LIMIT ?3")
            .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset)).Bind(2, LocalSchema.EntryId(lane.Row, limit)).Bind(3, (long)most);
        while (select.Step() && select.Long(2) < oldest && surplus - select.Long(3) >= 0)
        {
            surplus -= settings.RetentionBytes is null ? 0 : select.Long(3);
            behind = LocalSchema.OffsetOf(select.Long(0)) + select.Long(1);
        }

        select.Reset();
        return behind > lane.FirstOffset ? RemoveFirst(lane, Math.Min(behind, limit), most) : 0;
    }
}
