using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>One transaction of the writer: the rules by which operations change the file. What it wrote it reads itself; others see it,
/// through <see cref="LaneBook"/> and their own connections, when it is committed and flushed (rule R1).</summary>
/// <remarks>Failure: <see cref="RollBack"/> undoes it in the file and in memory; sessions of producers end, for they have moved on with
/// it. The writer's thread alone uses it.</remarks>
internal sealed partial class LocalTransaction : IDisposable
{
    private readonly LocalConnection _db;
    private readonly LaneBook _book;
    private readonly SessionTable _sessions;
    private readonly LocalIdentity _identity;
    private readonly LocalStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly HybridClock _clock;
    private readonly Dictionary<LaneId, LaneRow> _lanes = [];
    private readonly Dictionary<StreamPath, StreamSettings?> _settings = [];
    private readonly HashSet<StreamPath> _changed = [];
    private long _nextLane;
    private long _now;

    public LocalTransaction(LocalConnection db, LaneBook book, SessionTable sessions, LocalIdentity identity, LocalStoreOptions options,
        RouteBook routes, TimeProvider time, Random chance)
    {
        _chance = chance;
        _db = db;
        _book = book;
        _sessions = sessions;
        _identity = identity;
        _options = options;
        _time = time;
        _limits = FileLimits.For(options.MaxBytes);
        _clock = new HybridClock(time, identity.Origin.Cluster);
        _clock.Observe(new HybridTimestamp((ulong)db.Database.Scalar("SELECT max(at) FROM registers"), identity.Origin.Cluster));
        _nextLane = db.Database.Scalar("SELECT max(id) FROM lanes") + 1;
        _routes = routes;
        _table = new RouteTable(options.Routes, time);
        OpenRoutes();
    }

    /// <summary>The connection, inside the transaction.</summary>
    public LocalConnection Connection => _db;

    /// <summary>Streams that the transaction changed.</summary>
    public IReadOnlyCollection<StreamPath> Changed => _changed;

    /// <summary>Begins.</summary>
    public void Begin()
    {
        _db.Database.Execute("BEGIN IMMEDIATE");
        _now = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        BeginEpoch();
        _ages.Advance();
        Measure();
    }

    /// <summary>Writes what was gathered over the transaction.</summary>
    public void Finish()
    {
        CloseBatches();
        WriteMarks();
        _ages.Keep();
        foreach (LaneRow lane in _lanes.Values)
        {
            _db.Use("UPDATE lanes SET first_entry=?2, next_entry=?3, first_offset=?4, next_offset=?5, bytes=?6, at=?7, sent=?8 WHERE id=?1")
                .Bind(1, lane.Row).Bind(2, lane.FirstEntry).Bind(3, lane.NextEntry).Bind(4, lane.FirstOffset).Bind(5, lane.NextOffset)
                .Bind(6, lane.Bytes).Bind(7, lane.At).Bind(8, lane.Sent).Run();
        }
    }

    /// <summary>Commits: all of it is on stable storage and visible when this returns.</summary>
    public void Commit()
    {
        _db.Database.Execute("COMMIT");
        _book.Publish(_lanes.Values, _settings);
        PublishRoutes();
    }

    /// <summary>Forgets the changes after they were told to others.</summary>
    public void Clear()
    {
        _lanes.Clear();
        _settings.Clear();
        _changed.Clear();
        _open.Clear();
        _inOrder.Clear();
        _stamps.Clear();
        _marks.Clear();
        _dropped = 0;
        ClearRoutes();
    }

    /// <summary>Undoes it.</summary>
    public void RollBack()
    {
        _db.RollBack();
        _sessions.EndAll();
        _clients.Clear();
        _sequences.Clear();
        _ages.RollBack();
        Clear();
    }

    private LaneRow Lane(LaneId id, bool isOwn = true)
    {
        if (_lanes.TryGetValue(id, out LaneRow? touched))
        {
            return touched;
        }

        if (_book.Find(id) is { } known)
        {
            return known;
        }

        if (_nextLane > LocalSchema.MaxLanes)
        {
            throw new TryAgainException($"the store has {LocalSchema.MaxLanes} lanes, and can have no more");
        }

        LaneRow lane = new(_nextLane++, id, 0, 0, 0, 0, 0, 0, isOwn, isOwn && GoesUp(id) ? 0 : -1);
        _db.Use("INSERT INTO lanes(id, stream, partition, origin, first_entry, next_entry, first_offset, next_offset, bytes, at, own,"
                + " sent) VALUES(?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, 0, ?5, ?6)")
            .Bind(1, lane.Row).Bind(2, id.Partition.Stream.Value).Bind(3, (long)id.Partition.Partition.Value)
            .Bind(4, id.Origin.ToString()).Bind(5, isOwn ? 1L : 0L).Bind(6, lane.Sent).Run();
        _lanes[id] = lane;
        return lane;
    }

    private bool GoesUp(LaneId lane) => _options.GoesUp?.Invoke(lane.Partition.Stream) ?? false;

    private void Put(LaneRow lane) => _lanes[lane.Lane] = lane;
}
