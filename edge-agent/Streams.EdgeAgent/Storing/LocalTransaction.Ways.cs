using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What waits under routes gets its place in what goes up, or is dropped and told of.</summary>
/// <remarks>An event gets its sequence when it is about to be sent, in a transaction of its own before that: what has one is never
/// dropped, so sequences have no holes, and what is dropped was never sent.</remarks>
internal sealed partial class LocalTransaction
{
    private const int WaysAtOnce = 64;
    private const int MostOfOne = 1024;              // entries that are placed or dropped in one transaction
    private const int GapsAtOnce = 256;
    private const long MostGaps = 10_000;            // some 200 bytes each; more topics are told together

    private readonly EventBatchBuilder _rehead = new();
    private long _gaps;

    /// <summary>Gives sequences to what goes up next, at most about so many bytes: each priority before those behind it, but those get a
    /// sixteenth each when they have something. Gaps are told first.</summary>
    public List<PlacedBatch> Place(int maxBytes)
    {
        List<PlacedBatch> placed = [];
        TellGaps();
        int share = Math.Max(1, maxBytes / 16);
        List<List<StoredRoute>> classes = [];
        for (int priority = 0; priority <= Route.LastPriority; priority++)
        {
            List<StoredRoute> waiting = [.. _routes.All.Where(r => r.Decided.Priority == priority
                && r.Figures.Events + _deltas.GetValueOrDefault(r).Events > 0)];
            if (waiting.Count > 0)
            {
                classes.Add(waiting);
            }
        }

        long left = maxBytes;
        for (int i = 0; i < classes.Count; i++)
        {
            left -= Place(classes[i], Math.Max(share, left - ((long)share * (classes.Count - 1 - i))), placed);
        }

        return placed;
    }

    /// <summary>What was dropped and not told before the file was damaged.</summary>
    public void TakeLost(StreamPartition target, ReadOnlySpan<byte> topic, GapReason reason, long events, long first, long last) =>
        Lose(target, topic, reason, events, first, last);

    /// <summary>A cluster has these, or refused them for good and they are kept.</summary>
    public void NoteGone(long id)
    {
        if (WayOf(id, WayState.Placed) is { } way)
        {
            Finish(way);
        }
    }

    /// <summary>Drops what has waited for too long; whether there is more.</summary>
    public bool Expire()
    {
        int left = MostOfOne;
        foreach (StoredRoute route in _routes.All)
        {
            while (left > 0 && route.Decided.TimeToLive is not null && First(route) is { } way && IsExpired(way, route))
            {
                Drop(way, GapReason.Expired);
                left--;
            }
        }

        if (_routes.All.Any(static r => r.Decided.TimeToLive is not null && r.Figures.Events > 0))
        {
            _ages.Use(always: false);
        }

        return left == 0;
    }

    private long Place(List<StoredRoute> routes, long maxBytes, List<PlacedBatch> placed)
    {
        PriorityQueue<(StoredRoute Route, Queue<Way> Ways), long> heads = new();
        foreach (StoredRoute route in routes)
        {
            Enqueue(heads, route, new Queue<Way>(), after: 0);
        }

        long bytes = 0;
        int entries = 0;
        while (bytes < maxBytes && entries++ < MostOfOne && heads.TryDequeue(out (StoredRoute Route, Queue<Way> Ways) head, out _))
        {
            Way way = head.Ways.Dequeue();
            if (IsExpired(way, head.Route))
            {
                Drop(way, GapReason.Expired);
            }
            else
            {
                placed.Add(Place(way, head.Route));
                bytes += placed[^1].Batch.Bytes.Length;
            }

            Enqueue(heads, head.Route, head.Ways, way.Turn);
        }

        return bytes;
    }

    private void Enqueue(PriorityQueue<(StoredRoute, Queue<Way>), long> heads, StoredRoute route, Queue<Way> ways, long after)
    {
        if (ways.Count == 0)
        {
            foreach (Way way in Waiting(route, after, WaysAtOnce))
            {
                ways.Enqueue(way);
            }
        }

        if (ways.Count > 0)
        {
            heads.Enqueue((route, ways), ways.Peek().Turn);
        }
    }

    private PlacedBatch Place(in Way way, StoredRoute route)
    {
        EventBatch stored = Body(way.Id);
        Statement select = _db.Use("SELECT name FROM clients WHERE id=?1").Bind(1, way.Client);
        string name = select.Step() ? select.Text(0) : string.Empty;
        select.Reset();
        (long client, ProducerId producer) = ClientOf(name, ClientLine.Up(route.Decided.Priority));
        EventIdentity first = new(producer, Epoch, LastSequence(client, way.Target) + 1);
        EventBatch batch = DownStretches.Under(_rehead, stored, first);
        Note(client, way.Target, batch.Header.LastSequence);
        _db.Use("UPDATE ways SET state=1, epoch=?2, first=?3 WHERE id=?1")
            .Bind(1, way.Id).Bind(2, unchecked((long)first.Epoch)).Bind(3, first.Sequence).Run();
        ForgetLatest(way, route, stored);
        return new PlacedBatch(way.Id, way.Target, batch, WasTried: false);
    }

    private void Drop(in Way way, GapReason reason)
    {
        StoredRoute route = _routes.Of(way.Route);
        EventBatch batch = Body(way.Id);
        foreach (EventView view in batch.Events)
        {
            Lose(way.Target, view.Topic.Span, reason, 1, view.TimestampMicroseconds, view.TimestampMicroseconds);
        }

        if (reason != GapReason.Superseded)
        {
            ForgetLatest(way, route, batch);
        }

        LeaveOut(route, reason switch
        {
            GapReason.Full => LeftOut.Full,
            GapReason.Expired => LeftOut.Expired,
            _ => LeftOut.Superseded,
        }, way.Events);
        Finish(way);
    }

    private void Finish(in Way way)
    {
        _db.Use("UPDATE ways SET state=2 WHERE id=?1").Bind(1, way.Id).Run();
        Change(_routes.Of(way.Route), -way.Events, -way.Bytes);
    }

    private void ForgetLatest(in Way way, StoredRoute route, EventBatch batch)
    {
        if (route.Decided.Policy != OutboxPolicy.KeepLatestPerKey)
        {
            return;
        }

        foreach (EventView view in batch.Events)
        {
            _db.Use("DELETE FROM latest WHERE route=?1 AND stream=?2 AND topic=?3 AND key=?4 AND id=?5")
                .Bind(1, way.Route).Bind(2, LaneOf(LocalSchema.LaneRowOf(way.Id)).Partition.Stream.Value).Bind(3, view.Topic.Span)
                .Bind(4, view.Key.Span).Bind(5, way.Id).Run();
        }
    }

    private bool DropFirst(StoredRoute route)
    {
        if (First(route) is not { } way)
        {
            return false;
        }

        Drop(way, GapReason.Full);
        return true;
    }

    private bool IsExpired(in Way way, StoredRoute route) => way.Opening > 0 && route.Decided.TimeToLive is { } life
        && _ages.Elapsed(way.Opening) - way.Since >= life.TotalMilliseconds;

    // One event stands for all that was dropped of a partition, topic and reason since the last one that told of it.
    private void Lose(StreamPartition target, ReadOnlySpan<byte> topic, GapReason reason, long events, long first, long last)
    {
        Statement update = _db.Use("UPDATE lost SET events=events+?5, first=min(first, ?6), last=max(last, ?7)"
            + " WHERE stream=?1 AND partition=?2 AND topic=?3 AND reason=?4");
        Bind(update, topic).Run();
        if (Number("SELECT changes()") > 0)
        {
            return;
        }

        ReadOnlySpan<byte> told = _gaps < Math.Min(MostGaps, _options.MaxBytes >> 14) ? topic : "$gaps"u8;
        Bind(_db.Use("INSERT INTO lost(stream, partition, topic, reason, events, first, last) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            + " ON CONFLICT(stream, partition, topic, reason) DO UPDATE SET events=events+?5, first=min(first, ?6), last=max(last, ?7)"),
            told).Run();
        _gaps++;

        Statement Bind(Statement statement, ReadOnlySpan<byte> name) => statement.Bind(1, target.Stream.Value)
            .Bind(2, (long)target.Partition.Value).Bind(3, name).Bind(4, (long)reason).Bind(5, events).Bind(6, first).Bind(7, last);
    }

    // Each in an entry of a lane that devices do not see, and from there on its way like what takes a route.
    private void TellGaps()
    {
        List<(StreamPartition Target, byte[] Topic, byte[] Headers, long Last)> gaps = [];
        Statement select = _db.Use($"SELECT id, stream, partition, topic, reason, events, first, last FROM lost ORDER BY id"
            + $" LIMIT {GapsAtOnce}");
        long to = 0;
        while (select.Step())
        {
            to = select.Long(0);
            gaps.Add((new StreamPartition(StreamPath.Parse(select.Text(1)), new PartitionId((int)select.Long(2))), select.Blob(3).ToArray(),
                GapHeaders.Encode((GapReason)select.Long(4), select.Long(5), select.Long(6), select.Long(7)), select.Long(7)));
        }

        select.Reset();
        if (gaps.Count == 0)
        {
            return;
        }

        (long client, ProducerId producer) = ClientOf(string.Empty, ClientLine.Routed);
        StreamPartition here = new(LocalSchema.GapStream, new PartitionId(0));
        foreach ((StreamPartition target, byte[] topic, byte[] headers, long last) in gaps)
        {
            _rehead.TryAdd(topic, default, headers, default, last, EventLimits.MaxBatchBytes);
            EventBatch batch = _rehead.Build(new EventIdentity(producer, Epoch, LastSequence(client, here) + 1), default,
                mayHaveTwins: false);
            _rehead.Clear();
            LaneRow lane = Lane(new LaneId(here, _identity.Origin));
            long id = LocalSchema.EntryId(lane.Row, Append(lane, AfterVector.Empty, batch.Bytes.Span, batch.Header.Count));
            Note(client, here, batch.Header.LastSequence);
            long bytes = topic.Length + headers.Length + EventExtra;
            _db.Use("INSERT INTO ways(id, state, route, turn, stream, partition, client, events, bytes, opening, since, epoch, first)"
                    + " VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6, 1, ?7, 0, 0, 0, 0)")
                .Bind(1, id).Bind(2, RouteBook.Gaps).Bind(3, ++_turn).Bind(4, target.Stream.Value).Bind(5, (long)target.Partition.Value)
                .Bind(6, client).Bind(7, bytes).Run();
            Change(_routes.Of(RouteBook.Gaps), 1, bytes);
        }

        _db.Use("DELETE FROM lost WHERE id<=?1").Bind(1, to).Run();
        _gaps = Math.Max(0, _gaps - gaps.Count);
    }

    private EventBatch Body(long id)
    {
        Statement select = _db.Use("SELECT body FROM entries WHERE id=?1").Bind(1, id);
        byte[]? body = select.Step() ? select.Blob(0).ToArray() : null;
        select.Reset();
        return body is null ? throw new StorageFailedException($"{LocalSchema.Owner}: entry {id} is not there, but on its way up")
            : EventBatch.Parse(body);
    }

    private Way? First(StoredRoute route) => Waiting(route, 0, 1) is [var first, ..] ? first : null;

    private List<Way> Waiting(StoredRoute route, long after, int most)
    {
        List<Way> ways = [];
        Statement select = _db.Use("SELECT id, route, turn, stream, partition, client, events, bytes, opening, since FROM ways"
                + " WHERE state=0 AND route=?1 AND turn>?2 ORDER BY turn LIMIT ?3")
            .Bind(1, route.Id).Bind(2, after).Bind(3, (long)most);
        while (select.Step())
        {
            ways.Add(Read(select));
        }

        select.Reset();
        return ways;
    }

    private Way? WayOf(long id, WayState state)
    {
        Statement select = _db.Use("SELECT id, route, turn, stream, partition, client, events, bytes, opening, since FROM ways"
            + " WHERE id=?1 AND state=?2").Bind(1, id).Bind(2, (long)state);
        Way? way = select.Step() ? Read(select) : null;
        select.Reset();
        return way;
    }

    private static Way Read(Statement row) => new(row.Long(0), row.Long(1), row.Long(2),
        new StreamPartition(StreamPath.Parse(row.Text(3)), new PartitionId((int)row.Long(4))), row.Long(5), row.Long(6), row.Long(7),
        row.Long(8), row.Long(9));
}
