using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Simulation;

/// <summary>An event as the world made it.</summary>
internal readonly record struct TrueEvent(int Uid, ProducerId Producer, ulong Epoch, int Partition, long Sequence, string Topic);

/// <summary>A place in a lane of the world's one stream.</summary>
internal readonly record struct TruePlace(int Partition, Origin Origin, long Offset);

/// <summary>What the world knows and no party does: which event is which, where each was ever seen, and what must never be.</summary>
internal sealed class Truth(World world)
{
    private readonly List<TrueEvent> _events = [default];
    private readonly Dictionary<TruePlace, int> _named = [];
    private readonly Dictionary<int, List<TruePlace>> _places = [];

    /// <summary>What was found wrong, in the order of finding.</summary>
    public List<(Violation Kind, string Text)> Violations { get; } = [];

    /// <summary>Events that retention took somewhere.</summary>
    public HashSet<int> Trimmed { get; } = [];

    /// <summary>Events that some device let go of, and the cluster that said it holds them.</summary>
    public Dictionary<int, char> LetGo { get; } = [];

    /// <summary>How many events were made.</summary>
    public int Events => _events.Count - 1;

    public TrueEvent this[int uid] => _events[uid];

    public int Make(ProducerId producer, ulong epoch, int partition, long sequence, string topic)
    {
        _events.Add(new TrueEvent(_events.Count, producer, epoch, partition, sequence, topic));
        return Events;
    }

    /// <summary>An event's payload.</summary>
    public static byte[] Payload(int uid)
    {
        byte[] payload = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(payload, uid);
        return payload;
    }

    public static int UidOf(in EventView view) => BinaryPrimitives.ReadInt32LittleEndian(view.Payload.Span);

    public void Fail(Violation kind, string text)
    {
        world.Trace?.Add($"!! violation {(int)kind} ({kind}): {text}");
        Violations.Add((kind, text));
    }

    /// <summary>Somebody saw this event at this place, flushed (invariant 2).</summary>
    public void Name(TruePlace place, int uid, string where)
    {
        if (_named.TryAdd(place, uid))
        {
            if (!_places.TryGetValue(uid, out List<TruePlace>? places))
            {
                _places[uid] = places = [];
            }

            places.Add(place);
        }
        else if (_named[place] != uid)
        {
            Fail(Violation.TwoNames, $"{world.Short(place)} names e{_named[place]} and e{uid} ({where})");
        }
    }

    /// <summary>Everywhere that an event was ever seen to stand.</summary>
    public IReadOnlyList<TruePlace> PlacesOf(int uid) => _places.TryGetValue(uid, out List<TruePlace>? places) ? places : [];

    /// <summary>An entry crossed a link.</summary>
    public void Seen(LaneId lane, LaneEntry entry, string where)
    {
        if (entry.Kind == EntryKind.Events)
        {
            foreach ((long offset, int uid) in EventsOf(entry))
            {
                Name(new TruePlace(lane.Partition.Partition.Value, lane.Origin, offset), uid, where);
            }
        }
    }

    /// <summary>The copy of a lane will begin at <paramref name="first"/>, because the sender keeps nothing before it.</summary>
    public void SkipTo(ClusterLife life, LaneId lane, EntryNumber first, Offset firstOffset)
    {
        if ((life.Container.Lane(lane)?.NextEntry.Value ?? 0) < first.Value)
        {
            world.Tally.Add("gaps stepped over by links");
            world.Trace?.Add($"{life.Cluster.Letter} steps over a gap in {world.Short(lane)} up to offset {firstOffset}");
            TrimmedBefore(lane, firstOffset.Value);
        }
    }

    /// <summary>Retention will take everything of a lane before an entry, seen by anybody or not.</summary>
    public void Trimming(ClusterLife life, in LaneStatus lane, EntryNumber first)
    {
        for (EntryNumber at = lane.FirstEntry; at < first;)
        {
            using LaneSlice slice = life.Container.ReadAsync(lane.Lane, at, 1 << 16, CancellationToken.None).Result;
            foreach (LaneEntry entry in slice.Entries.Where(e => e.Number < first))
            {
                Seen(lane.Lane, entry, "trimmed at " + life.Cluster.Letter);
                foreach ((long _, int uid) in entry.Kind == EntryKind.Events ? EventsOf(entry) : [])
                {
                    Trimmed.Add(uid);
                }
            }

            at = slice.Entries[^1].Number + 1;
        }
    }

    private void TrimmedBefore(LaneId lane, long offset)
    {
        for (long o = 0; o < offset; o++)
        {
            if (_named.TryGetValue(new TruePlace(lane.Partition.Partition.Value, lane.Origin, o), out int uid))
            {
                Trimmed.Add(uid);
            }
        }
    }

    /// <summary>A device lets go of an event because a cluster said that it holds it: it must.</summary>
    public void Drop(ClusterLife life, int uid, TruePlace place, string why)
    {
        LetGo[uid] = life.Cluster.Letter;
        LaneId lane = new(world.Partition(place.Partition), place.Origin);
        if (life.Container.Lane(lane) is { } status && place.Offset < status.FirstOffset.Value)
        {
            Trimmed.Add(uid);
            Name(place, uid, why);
            return;                                  // retention took it: held (rule R8)
        }

        int held = ReadAt(life, lane, place.Offset);
        if (held == uid)
        {
            Name(place, uid, why);
        }
        else if (!Trimmed.Contains(uid))
        {
            string instead = held == 0 ? "nothing" : "e" + held;
            Fail(Violation.Dropped,
                $"{why}: e{uid} let go of as held by {life.Cluster.Letter} at {world.Short(place)}, where {instead} stands");
        }
    }

    /// <summary>The event that stands at an offset, flushed; 0 when none does.</summary>
    public static int ReadAt(ClusterLife life, LaneId lane, long offset)
    {
        using LaneSlice slice = life.Container.ReadAsync(lane, new Offset(offset), 1, CancellationToken.None).Result;
        foreach (LaneEntry entry in slice.Entries)
        {
            if (entry.Kind == EntryKind.Events && entry.BaseOffset.Value <= offset && offset < entry.NextOffset.Value)
            {
                return EventsOf(entry).First(e => e.Offset == offset).Uid;
            }
        }

        return 0;
    }

    /// <summary>The events of an entry and their offsets.</summary>
    public static List<(long Offset, int Uid)> EventsOf(LaneEntry entry)
    {
        List<(long, int)> events = [];
        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
        {
            events.Add((entry.BaseOffset.Value + view.Index, UidOf(view)));
        }

        return events;
    }
}
