using System.Collections.Immutable;
using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What an event of a device takes: no route, or one, and whether it is to go up there.</summary>
/// <param name="Route">Row of the route; -1 for none.</param>
/// <param name="State">Waiting, or over from the beginning.</param>
/// <param name="Target">Its partition where it goes.</param>
/// <param name="IsAlone">Whether it shares no entry, for it may be replaced.</param>
internal readonly record struct RouteChoice(long Route, WayState State, int Target, bool IsAlone)
{
    /// <summary>No route.</summary>
    public static readonly RouteChoice None = new(-1, WayState.Over, 0, false);

    /// <summary>Whether it takes one.</summary>
    public bool IsRouted => Route >= 0;
}

/// <summary>Events that take routes: they stand in the lane of their topic's stream like all others, for those who read here, and wait
/// beside it to go up (docs/agent-store.md).</summary>
internal sealed partial class LocalTransaction
{
    private const int RoutedBatchBytes = 32 << 10;   // what is dropped is dropped by entries
    private const int RoutedExtra = 512;             // of the rows beside the entry's
    private const int EventExtra = 64;               // what an event counts beside its bytes, as in the SDK's outbox

    private readonly RouteBook _routes;
    private readonly Dictionary<StoredRoute, (long Events, long Bytes)> _deltas = [];
    private readonly Dictionary<(StoredRoute Route, LeftOut Reason), long> _leftOut = [];
    private readonly Dictionary<(long Route, StreamPath Stream, string Topic, string Key), PlainBatch> _latestOpen = [];
    private AgeStore _ages = null!;
    private RouteTable _table;
    private StoredRoute[] _current = [];
    private readonly List<long> _newRoutes = [];
    private (RouteTable Table, StoredRoute[] Current)? _nextTable;
    private int _chosen;
    private long _turn;

    /// <summary>Takes other routes: for what is stored from now on.</summary>
    public void UseRoutes(ImmutableArray<Route> routes)
    {
        StoredRoute[] current = new StoredRoute[routes.Length];
        for (int i = 0; i < routes.Length; i++)
        {
            current[i] = RowOf(routes[i]);
        }

        _nextTable = (new RouteTable(routes, _time), current);
    }

    /// <summary>Keeps how old things are, and ends. Behind the last transaction.</summary>
    public void Dispose()
    {
        try
        {
            _ages.Advance();
            _ages.Use(_routes.All.Any(static r => r.Decided.TimeToLive is not null && r.Figures.Events > 0));
            _ages.Keep();
        }
        catch (Exception e) when (e is StorageFailedException or DamagedOutboxException)
        {
            // What was kept a minute ago counts.
        }

        _ages.Dispose();
    }

    private void OpenRoutes()
    {
        _routes.Load(_db);
        foreach (StoredRoute route in _routes.All)
        {
            foreach (WayState state in (WayState[])[WayState.Waiting, WayState.Placed, WayState.Over])
            {
                _turn = Math.Max(_turn, _db.Database.Scalar(
                    $"SELECT turn FROM ways WHERE state={(int)state} AND route={route.Id} ORDER BY turn DESC LIMIT 1"));
            }
        }

        _gaps = _db.Database.Scalar("SELECT count(*) FROM lost");
        _ages = new AgeStore(_db.Database, _time,
            _db.Database.Scalar("SELECT coalesce(min(opening), 0) FROM ways WHERE state=0 AND opening>0"));
        Begin();
        UseRoutes(_options.Routes);
        Finish();
        Commit();
        Clear();
    }

    private StoredRoute RowOf(Route route)
    {
        string decided = route.Decided;
        foreach (StoredRoute known in _routes.All)
        {
            if (known.Id != RouteBook.Gaps && known.Decided.Decided == decided)
            {
                return known;
            }
        }

        Statement insert = _db.Use("INSERT INTO routes(decided) VALUES(?1) ON CONFLICT DO UPDATE SET decided=?1 RETURNING id")
            .Bind(1, decided);
        long row = insert.Step() ? insert.Long(0) : 0;
        insert.Run();
        _newRoutes.Add(row);
        return _routes.Add(row, route);
    }

    // Changes nothing: it may be refused yet.
    private RouteChoice Choose(StreamPath stream, in PlainEvent plain)
    {
        _chosen = _table.Find(stream, plain.Topic.Span);
        if (_chosen < 0)
        {
            return RouteChoice.None;
        }

        Route route = _table.Routes[_chosen];
        StoredRoute stored = _current[_chosen];
        RouteChoice stays = new(stored.Id, WayState.Over, 0, false);
        if (route.IsLocal || (stream.IsSystem && route.Stream is null) || !_table.Passes(_chosen, stream, plain.Topic.Span, counts: false))
        {
            return stays;
        }

        RouteChoice goes = new(stored.Id, WayState.Waiting, TargetOf(route.Stream ?? stream, plain),
            route.Policy == OutboxPolicy.KeepLatestPerKey);
        if (Fits(route, stored, Counted(plain)))
        {
            return goes;
        }

        switch (route.Policy)
        {
            case OutboxPolicy.DropOldest or OutboxPolicy.DropNewest:
                return goes;                           // seen to when it is sure that it is stored
            case OutboxPolicy.KeepLatestPerKey when Latest(stored.Id, stream, plain, out _, out _):
                return goes;
            case OutboxPolicy.Reject:
                LeaveOut(stored, LeftOut.Refused, 1);
                throw new InvalidRequestException($"route {route.Name}: {route.MaxBytes} bytes wait, and no more are taken");
            default:
                LeaveOut(stored, LeftOut.Refused, 1);
                throw new TryAgainException($"route {route.Name}: {route.MaxBytes} bytes wait, and nothing may go before a cluster has it");
        }
    }

    // It is stored now: what it replaces or pushes out goes.
    private RouteChoice Enter(StreamPath stream, in PlainEvent plain, RouteChoice way)
    {
        if (!way.IsRouted)
        {
            return way;
        }

        Route route = _table.Routes[_chosen];
        StoredRoute stored = _current[_chosen];
        bool passes = route.IsLocal || _table.Passes(_chosen, stream, plain.Topic.Span, counts: true);
        if (way.State == WayState.Over)
        {
            if (!passes)
            {
                LeaveOut(stored, LeftOut.Sampled, 1);
            }

            return way;
        }

        if (way.IsAlone)
        {
            Supersede(stored, stream, plain);
        }

        int counted = Counted(plain);
        while (route.Policy == OutboxPolicy.DropOldest && !Fits(route, stored, counted) && DropFirst(stored))
        {
        }

        if (route.Policy is OutboxPolicy.DropOldest or OutboxPolicy.DropNewest && !Fits(route, stored, counted))
        {
            LeaveOut(stored, LeftOut.Full, 1);
            Lose(new StreamPartition(route.Stream ?? stream, new PartitionId(way.Target)), plain.Topic.Span, GapReason.Full, 1,
                plain.TimestampMicroseconds, plain.TimestampMicroseconds);
            return way with { State = WayState.Over };
        }

        Change(stored, 1, counted);
        return way;
    }

    private static int Counted(in PlainEvent plain) =>
        plain.Topic.Length + plain.Key.Length + plain.Headers.Length + plain.Payload.Length + EventExtra;

    private int TargetOf(StreamPath target, in PlainEvent plain)
    {
        StreamSettings? settings = _settings.TryGetValue(target, out StreamSettings? staged) ? staged : _book.Settings(target);
        return Partitioner.For(plain.Key.Span, plain.Topic.Span, (settings ?? StreamSettings.Default).Partitions).Value;
    }

    private bool Fits(Route route, StoredRoute stored, int counted) =>
        route.MaxBytes is not { } most || stored.Figures.Bytes + _deltas.GetValueOrDefault(stored).Bytes + counted <= most;

    private void Change(StoredRoute route, long events, long bytes)
    {
        (long e, long b) = _deltas.GetValueOrDefault(route);
        _deltas[route] = (e + events, b + bytes);
    }

    private void LeaveOut(StoredRoute route, LeftOut reason, long events) =>
        _leftOut[(route, reason)] = _leftOut.GetValueOrDefault((route, reason)) + events;

    private void NoteLatest(StreamPath stream, in PlainEvent plain, PlainBatch batch)
    {
        if (batch.Way is { IsAlone: true, State: WayState.Waiting })
        {
            _latestOpen[KeyOf(batch.Way.Route, stream, plain)] = batch;
        }
    }

    private static (long, StreamPath, string, string) KeyOf(long route, StreamPath stream, in PlainEvent plain) =>
        (route, stream, Encoding.UTF8.GetString(plain.Topic.Span), Convert.ToHexString(plain.Key.Span));

    // The one that an event would replace: of this transaction, or stored.
    private bool Latest(long route, StreamPath stream, in PlainEvent plain, out PlainBatch? open, out long id)
    {
        id = 0;
        if (_latestOpen.TryGetValue(KeyOf(route, stream, plain), out open))
        {
            return true;
        }

        Statement select = _db.Use("SELECT id FROM latest WHERE route=?1 AND stream=?2 AND topic=?3 AND key=?4")
            .Bind(1, route).Bind(2, stream.Value).Bind(3, plain.Topic.Span).Bind(4, plain.Key.Span);
        bool isThere = select.Step();
        id = isThere ? select.Long(0) : 0;
        select.Reset();
        return isThere;
    }

    private void Supersede(StoredRoute stored, StreamPath stream, in PlainEvent plain)
    {
        if (!Latest(stored.Id, stream, plain, out PlainBatch? open, out long id))
        {
            return;
        }

        if (open is not null)
        {
            open.Way = open.Way with { State = WayState.Over };
            AppendPlainOperation old = open.Operations[0];
            Change(stored, -1, -Counted(old.Plain));
            LeaveOut(stored, LeftOut.Superseded, 1);
            Lose(new StreamPartition(stored.Decided.Stream ?? stream, new PartitionId(open.Way.Target)), plain.Topic.Span,
                GapReason.Superseded, 1, old.Plain.TimestampMicroseconds, old.Plain.TimestampMicroseconds);
        }
        else if (WayOf(id, WayState.Waiting) is { } way)
        {
            Drop(way, GapReason.Superseded);
        }
    }

    private void PutWay(long id, PlainBatch open, long client, EventBatch batch)
    {
        Route route = _routes.Of(open.Way.Route).Decided;
        StreamPath stream = route.Stream ?? open.Partition.Stream;
        bool ages = route.TimeToLive is not null && open.Way.State == WayState.Waiting;
        _db.Use("INSERT INTO ways(id, state, route, turn, stream, partition, client, events, bytes, opening, since, epoch, first)"
                + " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0)")
            .Bind(1, id).Bind(2, (long)open.Way.State).Bind(3, open.Way.Route).Bind(4, ++_turn).Bind(5, stream.Value)
            .Bind(6, (long)open.Way.Target).Bind(7, client).Bind(8, (long)batch.Header.Count).Bind(9, open.Counted)
            .Bind(10, ages ? _ages.Opening : 0).Bind(11, ages ? _ages.Length : 0).Run();
        if (ages)
        {
            _ages.Use(always: false);
        }

        if (open.Way is { IsAlone: true, State: WayState.Waiting })
        {
            PlainEvent plain = open.Operations[0].Plain;
            _db.Use("INSERT INTO latest(route, stream, topic, key, id) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET id=?5")
                .Bind(1, open.Way.Route).Bind(2, open.Partition.Stream.Value).Bind(3, plain.Topic.Span).Bind(4, plain.Key.Span).Bind(5, id)
                .Run();
        }
    }

    private void PublishRoutes()
    {
        foreach ((StoredRoute route, (long events, long bytes)) in _deltas)
        {
            route.Add(events, bytes);
        }

        foreach (((StoredRoute route, LeftOut reason), long events) in _leftOut)
        {
            RouteMeter.Add(route.Decided.Name, reason, events);
        }

        _newRoutes.Clear();
        if (_nextTable is { } next)
        {
            (_table, _current) = next;
        }
    }

    private void ClearRoutes()
    {
        _deltas.Clear();
        _leftOut.Clear();
        _latestOpen.Clear();
        _nextTable = null;
        _routes.Remove(_newRoutes);                    // not committed
        _newRoutes.Clear();
    }
}
