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
    }

    private long MayGoTo(LaneRow lane) =>
        _options.WhenFull == WhenStoreFull.DropOldest || !lane.IsOwn ? lane.NextOffset : Math.Max(lane.Sent, 0);

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
            _db.Use("DELETE FROM entries WHERE id>=?1 AND id<=?2")
                .Bind(1, LocalSchema.EntryId(lane.Row, lane.FirstOffset)).Bind(2, last).Run();
            _dropped += lane.IsOwn ? Math.Max(0, offset - Math.Max(lane.FirstOffset, lane.Sent)) : 0;
            Put(lane with { FirstEntry = entry, FirstOffset = offset, Bytes = lane.Bytes - bytes });
            _changed.Add(lane.Lane.Partition.Stream);
        }

        return rows;
    }

    // What waits to be sent up stays, as at a cluster what a link has not passed on yet.
    private int Retain(LaneRow lane, StreamSettings settings, int most)
    {
        long limit = lane.Sent >= 0 ? lane.Sent : lane.NextOffset;
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
