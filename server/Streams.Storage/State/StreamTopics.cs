using System.Runtime.InteropServices;
using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The last event of a topic in one lane.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Timestamp">Its time, microseconds since 1970.</param>
internal readonly record struct TopicHead(LaneState Lane, long Offset, long Timestamp) : IComparable<TopicHead>
{
    /// <summary>Of the heads of several lanes the one with the latest time counts; of equal ones the later origin's.</summary>
    public int CompareTo(TopicHead other) => Timestamp != other.Timestamp ? Timestamp.CompareTo(other.Timestamp)
        : Lane.Id.Origin.CompareTo(other.Lane.Id.Origin);
}

/// <summary>The topics of one stream: an open table over rows of fixed size and names in large pieces, about 90 bytes a topic, so that a
/// million fits in memory and a look takes one step.</summary>
internal sealed class StreamTopics(StateRevision revision)
{
    private const int RowsAtOnce = 512;
    private const int NameBytesAtOnce = 64 << 10;

    private readonly List<Row[]> _rows = [];
    private readonly List<byte[]> _names = [];
    private readonly List<ClusterName> _clusters = [];
    private readonly Dictionary<int, List<TopicHead>> _otherHeads = [];   // of topics that stand in several lanes
    private int[] _slots = new int[4];                // row + 1; 0 for an empty slot
    private int _nameBytes;                           // used of the last piece

    public int Count { get; private set; }

    public bool Contains(ulong hash, ReadOnlySpan<byte> topic) => Find(hash, topic) >= 0;

    /// <summary>Whether joining this fact would change anything.</summary>
    public bool WouldChange(TopicFact fact)
    {
        byte[] name = Encoding.UTF8.GetBytes(fact.Topic.Value);
        int found = Find(BatchTopics.Hash(name), name);
        return found < 0 || CreatedAt(RowAt(found)).CompareTo(fact.CreatedAt) > 0;
    }

    /// <summary>Joins a fact into what is kept; whether that changed anything.</summary>
    public bool Join(TopicFact fact)
    {
        byte[] name = Encoding.UTF8.GetBytes(fact.Topic.Value);
        ulong hash = BatchTopics.Hash(name);
        int found = Find(hash, name);
        if (found >= 0 && CreatedAt(RowAt(found)).CompareTo(fact.CreatedAt) <= 0)
        {
            return false;
        }

        ref Row row = ref found < 0 ? ref Add(hash, name) : ref RowAt(found);
        row.CreatedAt = fact.CreatedAt.Value;
        row.Cluster = NumberOf(fact.CreatedAt.Cluster);
        row.Revision = revision.Next();
        return true;
    }

    /// <summary>An event of a topic stands at an offset, behind all others of its lane. Unknown topics are left alone.</summary>
    public void Saw(LaneState lane, long offset, in TopicMention mention)
    {
        int found = Find(mention.Hash, mention.Topic.Span);
        if (found >= 0)
        {
            Saw(found, new TopicHead(lane, offset, mention.Timestamp));
        }
    }

    /// <summary>Adds the last event of a topic in each lane of which one was seen; whether that is all there are. Where it is not, the
    /// indexes of the other lanes know more.</summary>
    public bool Heads(ulong hash, ReadOnlySpan<byte> topic, List<TopicHead> into)
    {
        int found = Find(hash, topic);
        if (found < 0)
        {
            return true;
        }

        ref Row row = ref RowAt(found);
        if (row.Lane is not null)
        {
            into.Add(new TopicHead(row.Lane, row.Offset, row.Timestamp));
            into.AddRange(_otherHeads.GetValueOrDefault(found) ?? []);
        }

        return row.IsWhole;
    }

    /// <summary>The indexes of all lanes were looked at, and gave these heads.</summary>
    public void Complete(ulong hash, ReadOnlySpan<byte> topic, IReadOnlyList<TopicHead> heads)
    {
        int found = Find(hash, topic);
        if (found >= 0)
        {
            foreach (TopicHead head in heads)
            {
                Saw(found, head);
            }

            RowAt(found).IsWhole = true;
        }
    }

    public IEnumerable<TopicFact> Since(long since)
    {
        for (int i = 0; i < Count; i++)
        {
            if (RowAt(i).Revision > since)
            {
                yield return FactOf(i);
            }
        }
    }

    public TopicFact FactOf(int index) => new(TopicName.FromValidated(Name(RowAt(index))), CreatedAt(RowAt(index)));

    private void Saw(int topic, in TopicHead head)
    {
        ref Row row = ref RowAt(topic);
        if (row.Lane is null || ReferenceEquals(row.Lane, head.Lane))
        {
            if (row.Lane is null || head.Offset > row.Offset)
            {
                (row.Lane, row.Offset, row.Timestamp) = (head.Lane, head.Offset, head.Timestamp);
            }

            return;
        }

        if (!_otherHeads.TryGetValue(topic, out List<TopicHead>? others))
        {
            _otherHeads[topic] = others = new List<TopicHead>(1);
        }

        LaneState lane = head.Lane;
        int at = others.FindIndex(h => ReferenceEquals(h.Lane, lane));
        if (at < 0)
        {
            others.Add(head);
        }
        else if (head.Offset > others[at].Offset)
        {
            others[at] = head;
        }
    }

    private ref Row RowAt(int index) => ref _rows[index / RowsAtOnce][index % RowsAtOnce];

    private ReadOnlySpan<byte> Name(in Row row) => _names[row.NamePiece].AsSpan(row.NameStart, row.NameBytes);

    private HybridTimestamp CreatedAt(in Row row) => new(row.CreatedAt, _clusters[row.Cluster]);

    private int Find(ulong hash, ReadOnlySpan<byte> topic)
    {
        int mask = _slots.Length - 1;
        for (int slot = (int)(hash >> 20) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            ref Row row = ref RowAt(_slots[slot] - 1);
            if (row.Hash == hash && Name(row).SequenceEqual(topic))
            {
                return _slots[slot] - 1;
            }
        }

        return -1;
    }

    private ref Row Add(ulong hash, ReadOnlySpan<byte> topic)
    {
        if (Count * 4 >= _slots.Length * 3)
        {
            Grow();
        }

        int index = Count++;
        if (index / RowsAtOnce == _rows.Count)
        {
            _rows.Add(new Row[index == 0 ? 1 : RowsAtOnce]);
        }
        else if (index % RowsAtOnce == _rows[^1].Length)
        {
            Row[] rows = _rows[^1];                   // most streams have few topics
            Array.Resize(ref rows, Math.Min(rows.Length * 4, RowsAtOnce));
            _rows[^1] = rows;
        }

        Enter(hash, index);
        ref Row row = ref RowAt(index);
        row.Hash = hash;
        Keep(topic, ref row);
        return ref row;
    }

    private void Keep(ReadOnlySpan<byte> topic, ref Row row)
    {
        if (_names.Count == 0 || _nameBytes + topic.Length > _names[^1].Length)
        {
            int size = _names.Count == 0 ? 32 : Math.Min(_names[^1].Length * 4, NameBytesAtOnce);
            _names.Add(new byte[Math.Max(size, topic.Length)]);
            _nameBytes = 0;
        }

        topic.CopyTo(_names[^1].AsSpan(_nameBytes));
        (row.NamePiece, row.NameStart, row.NameBytes) = (_names.Count - 1, (ushort)_nameBytes, (ushort)topic.Length);
        _nameBytes += topic.Length;
    }

    private void Grow()
    {
        _slots = new int[_slots.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            Enter(RowAt(i).Hash, i);
        }
    }

    private void Enter(ulong hash, int index)
    {
        int mask = _slots.Length - 1;
        int slot = (int)(hash >> 20) & mask;
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _slots[slot] = index + 1;
    }

    private ushort NumberOf(ClusterName cluster)
    {
        int number = _clusters.IndexOf(cluster);
        if (number < 0)
        {
            number = _clusters.Count;
            _clusters.Add(cluster);
        }

        return (ushort)number;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Row
    {
        public ulong Hash;
        public ulong CreatedAt;
        public long Revision;
        public LaneState? Lane;
        public long Offset;
        public long Timestamp;
        public int NamePiece;
        public ushort NameStart;
        public ushort NameBytes;
        public ushort Cluster;
        public bool IsWhole;
    }
}
