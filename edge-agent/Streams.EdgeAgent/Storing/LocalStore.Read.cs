using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What reads. Lanes and settings are in memory, the rest is read from the file.</summary>
internal sealed partial class LocalStore
{
    private const int RowsOfPage = 512;

    /// <inheritdoc/>
    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition)
    {
        LaneRow[] lanes = _book.Of(partition);
        LaneStatus[] status = new LaneStatus[lanes.Length];
        for (int i = 0; i < lanes.Length; i++)
        {
            status[i] = lanes[i].Status;
        }

        return status;
    }

    /// <summary>A lane, or <see langword="null"/> when nothing is known of it.</summary>
    public LaneStatus? Lane(LaneId lane) => _book.Find(lane)?.Status;

    /// <summary>The lanes whose events go up.</summary>
    public IReadOnlyList<LaneRow> UpLanes => _book.Up;

    /// <summary>Where events of a producer are known to stand at clusters (rule R5).</summary>
    public IReadOnlyList<EventPlace> Stand(ProducerId producer, StreamPartition partition) =>
        _readers.Read((producer, partition), static (db, s) => UpRows.Stand(db, s.producer, s.partition));

    /// <summary>Whether there is a lane of a cluster here.</summary>
    public bool HasLanesOf(ClusterName cluster) => _book.Has(cluster);

    /// <inheritdoc/>
    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<LaneSlice>(Read(lane, from, maxBytes));
    }

    /// <summary>As <see cref="ReadAsync"/>: it has read when it returns.</summary>
    public LaneSlice Read(LaneId lane, Offset from, int maxBytes) =>
        _book.Find(lane) is not { } row || from.Value >= row.NextOffset ? LaneSlice.Empty
            : _readers.Read((Row: row, From: from.Value, MaxBytes: maxBytes, Own: Origin),
                static (db, s) => LaneReading.Read(db, s.Row, s.From, s.MaxBytes, s.Own));

    /// <summary>What goes up of a lane beside routes: the entries from an offset on, and where to go on.</summary>
    public (List<(long Offset, AfterVector After, EventBatch Batch)> Entries, long Next) ReadUp(LaneRow lane, long from, int maxBytes) =>
        _readers.Read((lane, from, maxBytes), static (db, s) => WayReading.ReadUp(db, s.lane, s.from, s.maxBytes));

    /// <summary>What takes routes and may have been sent already, in the order in which it got its sequences.</summary>
    public List<PlacedBatch> Placed() => _readers.Read((Identity: _identity, Routes: _routes),
        static (db, s) => WayReading.Placed(db, s.Identity, s.Routes));

    /// <inheritdoc/>
    public Offset FindTime(LaneId lane, DateTimeOffset time) => _book.Find(lane) is not { } row ? Offset.Zero
        : _readers.Read((Row: row, At: (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond),
            static (db, s) => new Offset(LaneReading.FindTime(db, s.Row, s.At)));

    /// <inheritdoc/>
    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from)
    {
        LaneRow[] lanes = _book.Of(partition);
        return lanes.Length == 0 ? []
            : _readers.Read((producer, lanes, from), static (db, s) => RunReading.Held(db, s.producer, s.lanes, s.from));
    }

    /// <inheritdoc/>
    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except)
    {
        LaneRow[] lanes = _book.Of(partition);
        return lanes.Length == 0 || (lanes.Length == 1 && lanes[0].Lane.Origin == except) ? []
            : _readers.Read((run, lanes, except), static (db, s) => RunReading.Copies(db, s.run, s.lanes, s.except));
    }

    /// <inheritdoc/>
    public Cursor Cursor(ConsumerName consumer, StreamPartition partition) =>
        _readers.Read((consumer, partition), static (db, s) => LocalRows.Cursor(db, s.consumer, s.partition));

    /// <inheritdoc/>
    public RegisterFact? Register(StreamPath stream, string key) =>
        _readers.Read((stream, key), static (db, s) => LocalRows.Register(db, s.stream, s.key));

    /// <inheritdoc/>
    public RegisterPage Registers(StreamPath stream, int from, int max) => _readers.Read((stream, from, max), static (db, s) =>
    {
        List<RegisterFact> facts = [];
        int next = s.from;
        Statement select = db.Use("SELECT id, key, at, cluster, value FROM registers WHERE stream=?1 AND id>?2 ORDER BY id LIMIT ?3")
            .Bind(1, s.stream.Value).Bind(2, (long)s.from).Bind(3, (long)Math.Min(s.max, RowsOfPage));
        while (select.Step())
        {
            next = (int)select.Long(0);
            facts.Add(LocalRows.Fact(select, select.Text(1), 2));
        }

        select.Reset();
        return new RegisterPage(facts, next);
    });

    /// <inheritdoc/>
    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic) =>
        _readers.Read((stream, topic: topic.ToArray(), book: _book), static (db, s) => RetainedReading.Head(db, s.book, s.stream, s.topic));

    /// <inheritdoc/>
    public RetainedPage Retained(StreamPath stream, int from, int max) =>
        _readers.Read((stream, from, max: Math.Min(max, RowsOfPage), book: _book),
            static (db, s) => RetainedReading.Page(db, s.book, s.stream, s.from, s.max));

    /// <inheritdoc/>
    public ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<RetainedMessage?>(_readers.Read((stream, topic, book: _book),
            static (db, s) => RetainedReading.Message(db, s.book, s.stream, s.topic)));
    }
}
