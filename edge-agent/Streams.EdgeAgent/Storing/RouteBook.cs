using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A route as the store knows it: also one that is in no configuration any more, as long as events wait under it.</summary>
/// <param name="id">Its row.</param>
/// <param name="decided">What counts for events that are stored.</param>
internal sealed class StoredRoute(long id, Route decided)
{
    private long _events;
    private long _bytes;

    public long Id => id;

    public Route Decided => decided;

    /// <summary>What waits, as committed.</summary>
    public RouteFigures Figures => new(decided.Name, Interlocked.Read(ref _events), Interlocked.Read(ref _bytes));

    /// <summary>A transaction that was committed changed it.</summary>
    public void Add(long events, long bytes)
    {
        Interlocked.Add(ref _events, events);
        Interlocked.Add(ref _bytes, bytes);
    }
}

/// <summary>The routes that are known, and what waits to go up under them. Others read; the writer alone changes it.</summary>
internal sealed class RouteBook
{
    /// <summary>The route of gaps, which is in no configuration: it keeps all, and goes first.</summary>
    public const long Gaps = 0;

    private volatile StoredRoute[] _all = [new StoredRoute(Gaps, new Route("#") { Name = "gaps", Priority = 0 })];

    /// <summary>All of them.</summary>
    public IReadOnlyList<StoredRoute> All => _all;

    /// <summary>Events that wait without a place in what goes up, or with one.</summary>
    public long Waiting
    {
        get
        {
            long waiting = 0;
            foreach (StoredRoute route in _all)
            {
                waiting += route.Figures.Events;
            }

            return waiting;
        }
    }

    /// <summary>One by its row. A row of a route that is not known, of a damaged file, counts as one that keeps all.</summary>
    public StoredRoute Of(long id)
    {
        foreach (StoredRoute route in _all)
        {
            if (route.Id == id)
            {
                return route;
            }
        }

        return Add(id, new Route("#") { Name = $"route {id}" });
    }

    /// <summary>Takes one in.</summary>
    public StoredRoute Add(long id, Route decided)
    {
        StoredRoute route = new(id, decided);
        _all = [.. _all, route];
        return route;
    }

    /// <summary>Forgets some that were not committed.</summary>
    public void Remove(IReadOnlyList<long> ids)
    {
        if (ids.Count > 0)
        {
            _all = [.. _all.Where(r => !ids.Contains(r.Id))];
        }
    }

    /// <summary>The rows of the table, and what waits under them.</summary>
    public void Load(LocalConnection db)
    {
        Statement select = db.Use("SELECT id, decided FROM routes ORDER BY id");
        while (select.Step())
        {
            Add(select.Long(0), Route.Parse(select.Text(1)) ?? new Route("#") { Name = $"route {select.Long(0)}" });
        }

        select.Reset();
        Statement sums = db.Use("SELECT route, sum(events), sum(bytes) FROM ways WHERE state<2 GROUP BY route");
        while (sums.Step())
        {
            Of(sums.Long(0)).Add(sums.Long(1), sums.Long(2));
        }

        sums.Reset();
    }
}

/// <summary>How far an event that takes a route is on its way up.</summary>
internal enum WayState
{
    /// <summary>It waits without a sequence: it may be dropped.</summary>
    Waiting,

    /// <summary>It has a sequence, and may have been sent.</summary>
    Placed,

    /// <summary>It does not go up, or has gone: it is here for those who read here, as long as there is room.</summary>
    Over,
}

/// <summary>An entry that takes a route: a row of the table of ways.</summary>
/// <param name="Id">Row id of the entry.</param>
/// <param name="Route">Row of its route.</param>
/// <param name="Turn">Where it stands among all that take routes.</param>
/// <param name="Target">Where it goes.</param>
/// <param name="Client">Row of its client.</param>
/// <param name="Events">How many events.</param>
/// <param name="Bytes">What they count.</param>
/// <param name="Opening">In which opening it began to age, 0 when it does not.</param>
/// <param name="Since">When in that, in milliseconds.</param>
internal readonly record struct Way(long Id, long Route, long Turn, StreamPartition Target, long Client, long Events, long Bytes,
    long Opening, long Since);

/// <summary>An entry that goes up under an identity that it was given for it.</summary>
/// <param name="Id">Row id of the entry.</param>
/// <param name="Target">Where it goes.</param>
/// <param name="Batch">The batch, under its identity.</param>
/// <param name="WasTried">Whether it may have been sent in an earlier life of the agent.</param>
internal sealed record PlacedBatch(long Id, StreamPartition Target, EventBatch Batch, bool WasTried);
