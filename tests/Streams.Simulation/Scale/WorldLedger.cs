using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Simulation;

/// <summary>What was written to a lane, as it was first read from its origin, and by how many clusters each entry is held.</summary>
internal sealed class WrittenLane(LaneId id, int origin)
{
    public LaneId Id => id;

    public int Origin => origin;

    public List<LaneEntry?> Entries { get; } = [];

    public List<int> HeldBy { get; } = [];

    public List<long> BornAt { get; } = [];
}

/// <summary>Everything that was written in a world, once, and who holds how much of it.</summary>
internal sealed class WorldLedger(Timeline time, DiskPool disks, int clusters)
{
    private readonly Dictionary<LaneId, int> _numbers = [];
    private readonly List<WrittenLane> _lanes = [];
    private readonly Queue<(int Lane, int Entry)> _youngest = new();

    public IReadOnlyList<WrittenLane> Lanes => _lanes;

    /// <summary>Entries that some cluster lacks, summed over the clusters that lack them.</summary>
    public long Missing { get; private set; }

    /// <summary>When a cluster last took something that was new to it from another.</summary>
    public long LastArrival { get; private set; }

    /// <summary>Entries that clusters took from others.</summary>
    public long Arrivals { get; private set; }

    /// <summary>From birth to the last cluster, summed over the entries that all hold, and how many those are.</summary>
    public (long Milliseconds, long Entries) Spread { get; private set; }

    public int Number(LaneId lane) => _numbers.GetValueOrDefault(lane, -1);

    /// <summary>The cluster's own lane holds so many entries now.</summary>
    public void Grew(LaneId id, int cluster, EntryNumber next, ref int[] heads)
    {
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, id, out bool known);
        if (!known)
        {
            number = _lanes.Count;
            _lanes.Add(new WrittenLane(id, cluster));
        }

        WrittenLane lane = _lanes[number];
        while (lane.Entries.Count < next.Value)
        {
            _youngest.Enqueue((number, lane.Entries.Count));
            lane.Entries.Add(null);
            lane.HeldBy.Add(1);
            lane.BornAt.Add(time.Now);
            Missing += clusters - 1;
        }

        Head(ref heads, number) = (int)next.Value;
    }

    /// <summary>A cluster holds so many entries of another's lane now; gives how many of them are new to it.</summary>
    public int Arrived(LaneId id, EntryNumber next, ref int[] heads)
    {
        int number = Number(id);
        if (number < 0)
        {
            return 0;
        }

        WrittenLane lane = _lanes[number];
        ref int head = ref Head(ref heads, number);
        int fresh = Math.Max(0, (int)next.Value - head);
        for (; head < next.Value && head < lane.HeldBy.Count; head++)
        {
            Missing--;
            Arrivals++;
            LastArrival = time.Now;
            if (++lane.HeldBy[head] == clusters)
            {
                Spread = (Spread.Milliseconds + time.Now - lane.BornAt[head], Spread.Entries + 1);
                RaiseFloor();
            }
        }

        return fresh;
    }

    /// <summary>The one copy of an entry that the world keeps, beside the path that this one came; or says that it differs from what its
    /// origin wrote.</summary>
    public LaneEntry Same(LaneId id, LaneEntry read, out string? fault)
    {
        fault = null;
        int number = Number(id);
        if (number < 0 || read.Number.Value >= _lanes[number].Entries.Count)
        {
            fault = $"{id}: entry {read.Number} was read, but nobody wrote it";
            return Copy(read, read.Body.ToArray());
        }

        LaneEntry? written = _lanes[number].Entries[(int)read.Number.Value];
        if (written is null)
        {
            _lanes[number].Entries[(int)read.Number.Value] = written = Copy(read, read.Body.ToArray());
        }
        else if (!IsSame(written, read))
        {
            fault = $"{id}: entry {read.Number} differs from what its origin wrote";
            return Copy(read, read.Body.ToArray());
        }

        return Copy(read, written.Body);
    }

    public static bool IsSame(LaneEntry a, LaneEntry b) => a.Number == b.Number && a.Kind == b.Kind && a.BaseOffset == b.BaseOffset
        && a.EventCount == b.EventCount && a.AppendedAt == b.AppendedAt && a.Path.Hops[0] == b.Path.Hops[0]
        && a.After.Places.SequenceEqual(b.After.Places) && a.Body.Span.SequenceEqual(b.Body.Span);

    private static LaneEntry Copy(LaneEntry entry, ReadOnlyMemory<byte> body) => new()
    {
        Number = entry.Number,
        Kind = entry.Kind,
        BaseOffset = entry.BaseOffset,
        EventCount = entry.EventCount,
        AppendedAt = entry.AppendedAt,
        After = entry.After,
        Path = entry.Path,
        Body = body,
    };

    private static ref int Head(ref int[] heads, int number)
    {
        if (number >= heads.Length)
        {
            Array.Resize(ref heads, Math.Max(number + 1, heads.Length * 2));
        }

        return ref heads[number];
    }

    private void RaiseFloor()
    {
        while (_youngest.TryPeek(out (int Lane, int Entry) oldest) && _lanes[oldest.Lane].HeldBy[oldest.Entry] == clusters)
        {
            _youngest.Dequeue();
        }

        disks.Floor = _youngest.TryPeek(out (int Lane, int Entry) waiting) ? _lanes[waiting.Lane].BornAt[waiting.Entry] : time.Now;
    }
}
