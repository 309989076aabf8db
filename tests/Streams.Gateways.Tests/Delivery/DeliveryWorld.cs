using System.Text;
using Streams.Core;

namespace Streams.Gateways.Tests;

/// <summary>The lanes of one partition at one cluster, as a story writes them; reads and answers like a store would.</summary>
internal sealed class DeliveryWorld : IPartitionView, IEventFilter
{
    public static readonly StreamPartition Partition = new(StreamPath.Parse("/fleet"), new PartitionId(0));

    private readonly Dictionary<Origin, List<(Offset Base, AfterVector After, EventBatch Batch)>> _lanes = [];
    private readonly Dictionary<Origin, Offset> _first = [];
    private readonly HashSet<string> _unreachable = [];
    private readonly HashSet<Origin> _exhausted = [];
    private readonly List<(Origin Lane, Offset Offset, EventIdentity Identity)> _copies = [];
    private readonly EventBatchBuilder _builder = new();

    public string Wanted { get; set; } = string.Empty;

    public TimeSpan Now { get; set; }

    public static Origin O(string name) => new(ClusterName.Parse(name[..1].ToLowerInvariant()), new Incarnation((ulong)(name[1] - '0')));

    public static string Short(Origin origin) => $"{char.ToUpperInvariant(origin.Cluster.Value[0])}{origin.Incarnation.Value}";

    public static EventPlace At(string lane, long offset) => new(O(lane), new Offset(offset));

    /// <summary>Appends a batch of events <paramref name="first"/> to <paramref name="last"/> of a producer; topic is the producer's
    /// letter.</summary>
    public DeliveryWorld Append(string lane, char producer, long first, long last, params EventPlace[] after)
    {
        Origin origin = O(lane);
        List<(Offset Base, AfterVector, EventBatch Batch)> entries = _lanes.TryGetValue(origin, out var known) ? known
            : _lanes[origin] = [];
        Offset next = NextOffset(origin);
        for (long sequence = first; sequence <= last; sequence++)
        {
            Assert.True(_builder.TryAdd([(byte)producer], default, default, Encoding.UTF8.GetBytes($"{producer}{sequence}"), 0));
            _copies.Add((origin, next + (sequence - first), Identity(producer, sequence)));
        }

        entries.Add((next, AfterVector.Of(after), _builder.Build(Identity(producer, first), default, false)));
        return this;
    }

    /// <summary>Retention takes everything before <paramref name="first"/>; the copies stay known (rule R8).</summary>
    public DeliveryWorld Trim(string lane, long first)
    {
        _first[O(lane)] = new Offset(first);
        _lanes[O(lane)].RemoveAll(e => e.Base + e.Batch.Header.Count <= new Offset(first));
        return this;
    }

    public void Unreachable(string cluster) => _unreachable.Add(cluster.ToLowerInvariant());

    public void Exhaust(string lane) => _exhausted.Add(O(lane));

    public IReadOnlyList<HeldRun> Copies(SequenceRun run) =>
        [.. _copies.Where(c => c.Identity.Producer == run.Producer && c.Identity.Sequence >= run.First && c.Identity.Sequence <= run.Last)
            .Select(c => new HeldRun(run with { First = c.Identity.Sequence, Last = c.Identity.Sequence }, c.Lane, c.Offset))];

    public bool Reaches(ClusterName origin) => !_unreachable.Contains(origin.Value);

    public bool IsExhausted(Origin origin) => _exhausted.Contains(origin);

    public Offset NextOffset(Origin origin) => _lanes.TryGetValue(origin, out var entries) && entries.Count > 0
        ? entries[^1].Base + entries[^1].Batch.Header.Count : _first.GetValueOrDefault(origin);

    public bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic) => Wanted.Length == 0 || Wanted.Contains((char)topic[0]);

    public IEnumerable<LaneStatus> Statuses() =>
        _lanes.Keys.OrderBy(o => o).Select(o => new LaneStatus(new LaneId(Partition, o), default, default,
        _first.GetValueOrDefault(o), NextOffset(o), 0));

    public LaneBatch? Read(Origin origin, Offset from)
    {
        foreach ((Offset first, AfterVector after, EventBatch batch) in _lanes[origin])
        {
            if (first + batch.Header.Count > from)
            {
                return new LaneBatch(first, after, batch, Now);
            }
        }

        return null;
    }

    /// <summary>All that the gated reader gives now, as <c>A1@0=p1</c>; tickets are added to <paramref name="tickets"/>.</summary>
    public string Run(GatedReader reader, List<long>? tickets = null, int limit = int.MaxValue)
    {
        List<string> said = [];
        foreach (LaneStatus status in Statuses())
        {
            reader.See(status);
        }

        while (said.Count < limit)
        {
            if (reader.TryNext(Now, out GivenEvent given))
            {
                string mark = given.Release == Release.None ? string.Empty : $"!{given.Release}";
                said.Add($"{Short(given.Origin)}@{given.Offset}={Encoding.UTF8.GetString(given.View.Payload.Span)}{mark}");
                tickets?.Add(given.Ticket);
            }
            else if (reader.TryWant(out Origin origin, out Offset from))
            {
                reader.Offer(origin, Read(origin, from)!);
            }
            else
            {
                break;
            }
        }

        return string.Join(' ', said);
    }

    /// <summary>All that the ungated reader sends now.</summary>
    public string Run(UngatedReader reader)
    {
        List<string> said = [];
        foreach (LaneStatus status in Statuses())
        {
            reader.See(status);
        }

        while (true)
        {
            if (reader.Next(Now) is { } delivery)
            {
                said.Add(Tell(delivery));
            }
            else if (reader.TryWant(out Origin origin, out Offset from))
            {
                reader.Offer(origin, Read(origin, from)!);
            }
            else
            {
                return string.Join(' ', said);
            }
        }
    }

    public static string Vector(Cursor cursor) => string.Join(' ', cursor.Positions.Select(p => $"{Short(p.Key)}={p.Value}"));

    public static Cursor CursorAt(params EventPlace[] places) => places.Aggregate(Cursor.Start, (c, p) => c.With(p.Origin, p.Offset));

    private static EventIdentity Identity(char producer, long sequence) => new(ProducerId.ForName(producer.ToString()), 1, sequence);

    private static string Tell(Delivery delivery)
    {
        // As it arrives, not as it was made.
        System.Buffers.ArrayBufferWriter<byte> bytes = new();
        delivery.Write(bytes);
        Delivery read = Core.Delivery.Read(bytes.WrittenMemory.ToArray())!;
        if (read.Kind == DeliveryKind.Rewound)
        {
            return $"rewound({Vector(read.Cursor)})";
        }

        string stretch = $"{Short(read.Origin)}[{read.From},{read.To})";
        string covered = string.Concat(read.Covered.Select(r => $" {r.First}-{r.Last}"));
        switch (read.Kind)
        {
            case DeliveryKind.Events:
                List<string> events = [];
                foreach (EventView view in EventBatch.Parse(read.Batch).Events)
                {
                    int index = read.IndexOf(view.Index);
                    events.Add($"@{read.BatchOffset + index}={Encoding.UTF8.GetString(view.Payload.Span)}");
                }

                string after = string.Concat(read.After.Places.ToArray().Select(p => $" after {Short(p.Origin)}:{p.Offset}"));
                return $"{stretch}({string.Join(',', events)};covers{covered}{after})";
            case DeliveryKind.Advance:
                return $"advance {stretch}({covered.Trim()})";
            default:
                return $"{read.Kind.ToString().ToLowerInvariant()} {stretch}";
        }
    }
}
