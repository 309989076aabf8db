using Streams.Core;

namespace Streams.Storage;

/// <summary>What a segment says of an entry that its index file has to say too.</summary>
internal readonly record struct GatheredEntry(long Number, long Position, int BodyLength, uint Checksum, long BaseOffset, int Events,
    long AppendedBy, bool IsExact, int RecordsBefore);

/// <summary>A batch in an entry of a lane has events of a topic.</summary>
internal readonly record struct GatheredMention(int Lane, long Entry, ulong Topic);

/// <summary>What the index file of a segment has to say, gathered from the segment by other code than makes the file. Bounded by the size
/// of a segment.</summary>
internal sealed class SegmentGather
{
    private readonly Dictionary<int, List<GatheredEntry>> _lanes = [];
    private readonly List<GatheredMention> _mentions = [];
    private readonly List<(RecordKind Kind, byte[] Body)> _records = [];

    public IReadOnlyDictionary<int, List<GatheredEntry>> Lanes => _lanes;

    /// <summary>The records that are no entries and that lanes need, in order.</summary>
    public IReadOnlyList<(RecordKind Kind, byte[] Body)> Records => _records;

    public List<GatheredMention> Mentions => _mentions;

    public uint LastGroup { get; set; }

    /// <summary>Whether something of the segment could not be read.</summary>
    public bool IsTorn { get; set; }

    public void Clear()
    {
        _lanes.Clear();
        _mentions.Clear();
        _records.Clear();
        IsTorn = false;
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

        _mentions.Sort(from, _mentions.Count - from, ByTopic.Instance);
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

    private sealed class ByTopic : IComparer<GatheredMention>
    {
        public static readonly ByTopic Instance = new();

        public int Compare(GatheredMention x, GatheredMention y) => x.Topic.CompareTo(y.Topic);
    }
}
