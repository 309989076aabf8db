using System.Buffers;
using System.Text;
using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>A small real store behind the port of the links: exact appends, a flushed and an unflushed part, joined state, retention,
/// crash.</summary>
public sealed partial class MemoryLaneStore : ILaneStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<LaneId, MemoryLane> _lanes = [];
    private readonly Dictionary<string, (long Value, long Revision)> _registers = [];
    private readonly Dictionary<ClusterName, (Incarnation Incarnation, long Revision)> _latest = [];
    private readonly List<Action> _watchers = [];
    private readonly HashSet<(LaneId Lane, long Entry)> _damaged = [];
    private readonly Func<ulong> _clock;
    private long _revision = 1;

    public MemoryLaneStore(string name, Func<ulong> clock)
    {
        _clock = clock;
        Origin = new Origin(ClusterName.Parse(name), new Incarnation(clock()));
        _latest[Origin.Cluster] = (Origin.Incarnation, ++_revision);
    }

    public Origin Origin { get; private set; }

    public List<string> Opened { get; } = [];

    public List<string> Forks { get; } = [];

    /// <summary>Awaited before entries are taken: a slow disk.</summary>
    public Func<Task>? BeforeIngest { get; set; }

    public static StreamPartition Partition(int number) => new(StreamPath.Parse("/fleet"), new PartitionId(number));

    public IReadOnlyList<LaneStatus> Lanes()
    {
        lock (_gate)
        {
            return [.. _lanes.Values.Where(lane => lane.Durable > 0).Select(lane => lane.Status)];
        }
    }

    public LaneStatus? Lane(LaneId lane)
    {
        lock (_gate)
        {
            return _lanes.TryGetValue(lane, out var found) && found.Durable > 0 ? found.Status : null;
        }
    }

    /// <summary>An entry that is here can no longer be read.</summary>
    public void Damage(LaneId lane, long entry)
    {
        lock (_gate)
        {
            _damaged.Add((lane, entry));
        }
    }

    public Incarnation? LatestIncarnation(ClusterName cluster)
    {
        lock (_gate)
        {
            return _latest.TryGetValue(cluster, out var latest) ? latest.Incarnation : null;
        }
    }

    /// <summary>Writes an entry of the own lane, not flushed; the first entry of a lane says that the incarnation is open.</summary>
    public void Append(int partition, string text, EntryKind kind = EntryKind.Events, int bytes = 0)
    {
        lock (_gate)
        {
            var id = new LaneId(Partition(partition), Origin);
            var lane = Get(id);
            if (lane.Head == 0)
            {
                lane.Entries.Add(Make(lane, EntryKind.Opened, []));
            }

            var body = Encoding.UTF8.GetBytes(text.PadRight(bytes));
            lane.Entries.Add(Make(lane, kind, body));
            if (kind == EntryKind.Registers)
            {
                Join(text);
            }
        }
    }

    public void Flush()
    {
        lock (_gate)
        {
            foreach (var lane in _lanes.Values)
            {
                lane.Durable = lane.Head;
            }
        }

        Wake();
    }

    public void AppendFlushed(int partition, string text, EntryKind kind = EntryKind.Events, int bytes = 0)
    {
        Append(partition, text, kind, bytes);
        Flush();
    }

    /// <summary>What is not flushed is lost.</summary>
    public void Crash()
    {
        lock (_gate)
        {
            foreach (var lane in _lanes.Values)
            {
                lane.Entries.RemoveRange((int)(lane.Durable - lane.First), (int)(lane.Head - lane.Durable));
            }
        }
    }

    /// <summary>Damage: the flushed tail of a lane is gone.</summary>
    public void LoseTail(LaneId id, long from)
    {
        lock (_gate)
        {
            var lane = _lanes[id];
            lane.Entries.RemoveRange((int)(from - lane.First), (int)(lane.Head - from));
            lane.Durable = from;
        }
    }

    /// <summary>Retention.</summary>
    public void Trim(LaneId id, long first)
    {
        lock (_gate)
        {
            _lanes[id].Trim(first);
        }
    }

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, EntryNumber from, int maxBytes, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            List<LaneEntry> read = [];
            if (_lanes.TryGetValue(lane, out var found) && from.Value >= found.First)
            {
                var bytes = 0;
                for (var n = from.Value; n < found.Durable && (read.Count == 0 || bytes < maxBytes); n++)
                {
                    if (_damaged.Contains((lane, n)))
                    {
                        return read.Count > 0 ? new(new LaneSlice(read))
                            : throw new InvalidFormatException($"{lane}: entry {n} is damaged");
                    }

                    read.Add(found[n]);
                    bytes += found[n].Body.Length + 64;
                }
            }

            return new(new LaneSlice(read));
        }
    }

    public async ValueTask<IngestResult> IngestAsync(LaneId lane, IReadOnlyList<LaneEntry> entries, CancellationToken cancellationToken)
    {
        if (BeforeIngest is { } wait)
        {
            await wait();
        }

        var result = Ingest(lane, entries);
        Wake();
        return result;
    }

    private IngestResult Ingest(LaneId id, IReadOnlyList<LaneEntry> entries)
    {
        lock (_gate)
        {
            var lane = Get(id);
            foreach (var entry in entries)
            {
                if (entry.Number.Value > lane.Head)
                {
                    return new(IngestOutcome.Ahead, new(lane.Head));
                }

                if (entry.Number.Value < lane.Head)
                {
                    if (TakesBack(lane, id, entry))
                    {
                        continue;
                    }

                    if (entry.Number.Value >= lane.First && !lane[entry.Number.Value].Body.Span.SequenceEqual(entry.Body.Span))
                    {
                        Forks.Add($"{id} entry {entry.Number} at {Origin}");
                        return new(IngestOutcome.Fork, new(lane.Head));
                    }

                    continue;
                }

                if (entry.BaseOffset.Value != lane.NextOffset)
                {
                    Forks.Add($"{id} entry {entry.Number} at {Origin}: offset {entry.BaseOffset}, not {lane.NextOffset}");
                    return new(IngestOutcome.Fork, new(lane.Head));
                }

                lane.Entries.Add(entry.PassedTo(Origin));
                Note(id, entry);
            }

            lane.Durable = lane.Head;
            return new(IngestOutcome.Taken, new(lane.Head));
        }
    }

    public ValueTask SkipToAsync(LaneId lane, EntryNumber first, Offset firstOffset, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var found = Get(lane);
            if (found.Head < first.Value)
            {
                _lanes[lane] = new MemoryLane(lane) { First = first.Value, FirstOffset = firstOffset.Value, Durable = first.Value };
            }
        }

        return ValueTask.CompletedTask;
    }

    public IEnumerable<StateItem> State(long since, out long revision)
    {
        lock (_gate)
        {
            revision = _revision;
            return [.. _registers.Where(r => r.Value.Revision > since).Select(r =>
                new StateItem(StateKind.Register, Partition(0), Encoding.UTF8.GetBytes($"{r.Key}={r.Value.Value}"))),
                .. _latest.Where(l => l.Value.Revision > since).Select(l => OwnName.Opened(new Origin(l.Key, l.Value.Incarnation)))];
        }
    }

    public ValueTask<IReadOnlyList<StateItem>> JoinAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            List<StateItem> changed = [];
            foreach (var item in items)
            {
                var reader = new ByteReader(item.Body);
                if (item.Kind == StateKind.Opened ? Learn(reader.Origin()) : Join(Encoding.UTF8.GetString(item.Body.Span)))
                {
                    changed.Add(item);
                }
            }

            return new(changed);
        }
    }

    public ValueTask OpenIncarnationAsync(string reason, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Opened.Add(reason);
            var next = Math.Max(_clock(), _latest[Origin.Cluster].Incarnation.Value + 1);
            var partitions = _lanes.Keys.Where(lane => lane.Origin == Origin).Select(lane => lane.Partition.Partition.Value).ToArray();
            Origin = new Origin(Origin.Cluster, new Incarnation(next));
            _latest[Origin.Cluster] = (Origin.Incarnation, ++_revision);
            foreach (var partition in partitions)
            {
                Append(partition, "after opening");
            }
        }

        Flush();
        return ValueTask.CompletedTask;
    }

    public IDisposable Watch(Action changed)
    {
        lock (_gate)
        {
            _watchers.Add(changed);
        }

        return new Watcher(this, changed);
    }

    /// <summary>The lane as text, one line an entry: what must be equal in every cluster.</summary>
    public IReadOnlyDictionary<long, string> Content(LaneId lane)
    {
        lock (_gate)
        {
            return _lanes.TryGetValue(lane, out var found)
                ? found.Entries.ToDictionary(e => e.Number.Value, e =>
                    $"{e.Kind} {e.BaseOffset} {e.EventCount} {Encoding.UTF8.GetString(e.Body.Span)}")
                : new Dictionary<long, string>();
        }
    }

    public IReadOnlyDictionary<string, long> Registers
    {
        get
        {
            lock (_gate)
            {
                return _registers.ToDictionary(r => r.Key, r => r.Value.Value);
            }
        }
    }

    private void Wake()
    {
        Action[] watchers;
        lock (_gate)
        {
            watchers = [.. _watchers];
        }

        foreach (var watcher in watchers)
        {
            watcher();
        }
    }

    private void Note(LaneId lane, LaneEntry entry)
    {
        if (entry.Kind == EntryKind.Opened)
        {
            Learn(lane.Origin);
        }
        else if (entry.Kind == EntryKind.Registers)
        {
            Join(Encoding.UTF8.GetString(entry.Body.Span));
        }
    }

    private bool Learn(Origin origin)
    {
        var newer = !_latest.TryGetValue(origin.Cluster, out var known) || origin.Incarnation > known.Incarnation;
        _latest[origin.Cluster] = newer ? (origin.Incarnation, ++_revision) : known;
        return newer;
    }

    private bool Join(string text)
    {
        var (key, value) = (text.Split('=')[0], long.Parse(text.Split('=')[1]));
        var newer = !_registers.TryGetValue(key, out var known) || value > known.Value;
        _registers[key] = newer ? (value, ++_revision) : known;
        return newer;
    }

    private MemoryLane Get(LaneId id)
    {
        if (!_lanes.TryGetValue(id, out var lane))
        {
            _lanes[id] = lane = new MemoryLane(id);
        }

        return lane;
    }

    private LaneEntry Make(MemoryLane lane, EntryKind kind, byte[] body) => new()
    {
        Number = new(lane.Head),
        Kind = kind,
        BaseOffset = new(lane.NextOffset),
        EventCount = kind == EntryKind.Events ? 1 + (body.Length % 3) : 0,
        AppendedAt = (long)_clock(),
        Path = ReplicationPath.StartingAt(Origin),
        Body = body,
    };

    private sealed class Watcher(MemoryLaneStore store, Action changed) : IDisposable
    {
        public void Dispose()
        {
            lock (store._gate)
            {
                store._watchers.Remove(changed);
            }
        }
    }
}
