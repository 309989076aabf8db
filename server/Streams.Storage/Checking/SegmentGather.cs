using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What a segment says of an entry that its index file has to say too.</summary>
internal readonly record struct GatheredEntry(long Number, long Position, int BodyLength, uint Checksum, long BaseOffset, int Events,
    long AppendedBy, bool IsExact, int RecordsBefore);

/// <summary>A batch in an entry of a lane has events of a topic. Ordered by group, topic and entry.</summary>
/// <param name="Group">The lane's number; when they are compared, the part of the lane.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Topic">The topic's hash.</param>
internal readonly record struct GatheredMention(int Group, long Entry, ulong Topic) : IComparable<GatheredMention>
{
    public int CompareTo(GatheredMention other) => Group != other.Group ? Group.CompareTo(other.Group)
        : Topic != other.Topic ? Topic.CompareTo(other.Topic) : Entry.CompareTo(other.Entry);
}

/// <summary>What the index file of a segment has to say, gathered from the segment by other code than makes the file. Bounded by the size
/// of a segment.</summary>
internal sealed class SegmentGather
{
    private readonly Dictionary<int, List<GatheredEntry>> _lanes = [];
    private readonly List<GatheredMention> _mentions = [];
    private readonly List<(RecordKind Kind, byte[] Body)> _records = [];
    private readonly List<(long From, long To)> _holes = [];

    public IReadOnlyDictionary<int, List<GatheredEntry>> Lanes => _lanes;

    /// <summary>The records that are no entries and that lanes need, in order.</summary>
    public IReadOnlyList<(RecordKind Kind, byte[] Body)> Records => _records;

    /// <summary>The mentions, to be put in another order by who compares them.</summary>
    public Span<GatheredMention> Mentions => CollectionsMarshal.AsSpan(_mentions);

    public uint LastGroup { get; set; }

    /// <summary>Whether something of the segment could not be read.</summary>
    public bool IsTorn { get; set; }

    /// <summary>Whether space of the segment was given back: its index still names what stood there.</summary>
    public bool HasHoles => _holes.Count > 0;

    public void Clear()
    {
        _holes.Clear();
        _lanes.Clear();
        _mentions.Clear();
        _records.Clear();
        IsTorn = false;
    }

    /// <summary>Bytes of the file that were given back.</summary>
    public void AddHole(long from, long to) => _holes.Add((from, to));

    /// <summary>Whether an offset of the file lies in a hole.</summary>
    public bool IsInHole(long offset)
    {
        int low = 0;
        int high = _holes.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            (low, high) = _holes[middle].To <= offset ? (middle + 1, high) : (low, middle);
        }

        return low < _holes.Count && _holes[low].From <= offset;
    }

    public void Add(RecordKind kind, ReadOnlyMemory<byte> body) => _records.Add((kind, body.ToArray()));

    public void Add(LaneCheck lane, LaneEntry entry, long position, int bodyLength, EventBatch? batch)
    {
        if (!_lanes.TryGetValue(lane.Number, out List<GatheredEntry>? entries))
        {
            _lanes[lane.Number] = entries = [];
        }

        entries.Add(new GatheredEntry(entry.Number.Value, position, bodyLength, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value,
            entry.EventCount, lane.AppendedBy, lane.IsExact, _records.Count));
        if (batch is null)
        {
            return;
        }

        int before = _mentions.Count;
        ReadOnlyMemory<byte> last = default;
        foreach (EventView view in batch.Events)
        {
            // Events next to each other mostly have one topic, and then share its memory.
            if (view.Index > 0 && view.Topic.Equals(last))
            {
                continue;
            }

            last = view.Topic;
            _mentions.Add(new GatheredMention(lane.Number, entry.Number.Value, BatchTopics.Hash(last.Span)));
        }

        SortAndThin(before);
    }

    // One mention an entry and topic, however often the topic comes back in the batch.
    private void SortAndThin(int from)
    {
        if (_mentions.Count - from < 2)
        {
            return;
        }

        Mentions[from..].Sort();
        int kept = from + 1;
        for (int i = from + 1; i < _mentions.Count; i++)
        {
            if (_mentions[i].Topic != _mentions[kept - 1].Topic)
            {
                _mentions[kept++] = _mentions[i];
            }
        }

        _mentions.RemoveRange(kept, _mentions.Count - kept);
    }
}
