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
internal sealed partial class StreamTopics(StateRevision revision)
{
    private readonly RowTable<Row> _rows = new();
    private readonly NamePieces _names = new();
    private readonly List<ClusterName> _clusters = [];
    private readonly Dictionary<int, List<TopicHead>> _otherHeads = [];   // of topics that stand in several lanes

    public int Count => _rows.Count;

    public bool Contains(ulong hash, ReadOnlySpan<byte> topic) => Find(hash, topic) >= 0;

    /// <summary>Whether joining this fact would change anything.</summary>
    public bool WouldChange(TopicFact fact)
    {
        byte[] name = Encoding.UTF8.GetBytes(fact.Topic.Value);
        int found = Find(BatchTopics.Hash(name), name);
        return found < 0 || CreatedAt(_rows[found]).CompareTo(fact.CreatedAt) > 0;
    }

    /// <summary>Joins a fact into what is kept; whether that changed anything.</summary>
    public bool Join(TopicFact fact)
    {
        byte[] name = Encoding.UTF8.GetBytes(fact.Topic.Value);
        ulong hash = BatchTopics.Hash(name);
        int found = Find(hash, name);
        if (found >= 0 && CreatedAt(_rows[found]).CompareTo(fact.CreatedAt) <= 0)
        {
            return false;
        }

        if (found < 0)
        {
            found = _rows.Add(hash, HashOf);
            _rows[found].Hash = hash;
            _rows[found].Name = _names.Add(name);
        }

        ref Row row = ref _rows[found];
        row.CreatedAt = fact.CreatedAt.Value;
        row.Cluster = NumberOf(fact.CreatedAt.Cluster);
        row.Revision = revision.Next();
        return true;
    }

    /// <summary>Finds the rows of topics; -1 for those that are not known. Of many topics at once, what stands far apart in memory is asked
    /// for ahead.</summary>
    public void Find(ReadOnlySpan<TopicMention> mentions, Span<int> rows)
    {
        foreach (ref readonly TopicMention mention in mentions)
        {
            _rows.Prefetch(mention.Hash);
        }

        for (int i = 0; i < mentions.Length; i++)
        {
            int probe = -1;
            rows[i] = _rows.Next(mentions[i].Hash, ref probe);
            if (rows[i] >= 0)
            {
                _rows.PrefetchRow(rows[i]);
            }
        }

        foreach (int row in rows)
        {
            if (row >= 0)
            {
                Memory.Prefetch(ref MemoryMarshal.GetReference(_names[_rows[row].Name]));
            }
        }

        for (int i = 0; i < mentions.Length; i++)
        {
            ref readonly TopicMention mention = ref mentions[i];
            if (rows[i] >= 0 && !(_rows[rows[i]].Hash == mention.Hash && Name(_rows[rows[i]]).SequenceEqual(mention.Topic.Span)))
            {
                rows[i] = Find(mention.Hash, mention.Topic.Span);
            }
        }
    }

    /// <summary>An entry of a lane, behind all others of it, mentions topics.</summary>
    public void Saw(LaneState lane, LaneEntry entry, BatchTopics topics, TopicMentions into)
    {
        ReadOnlySpan<TopicMention> mentions = topics.Mentions;
        Span<int> rows = topics.Rows;
        for (int i = 0; i < mentions.Length; i++)
        {
            ref readonly TopicMention mention = ref mentions[i];
            if (rows[i] < 0)
            {
                rows[i] = Find(mention.Hash, mention.Topic.Span);   // it was new, or came with what was before it
            }

            if (rows[i] < 0)
            {
                into.AddOther(lane.Number, mention.Hash, entry.Number.Value);
                continue;
            }

            Saw(rows[i], new TopicHead(lane, entry.BaseOffset.Value + mention.LastEvent, mention.Timestamp));
            into.Add(lane.Number, mention.Hash, entry.Number.Value, ref _rows[rows[i]].Mentions);
        }
    }

    /// <summary>What is kept with a topic of its mentions.</summary>
    public MentionSlot MentionsOf(ulong hash, ReadOnlySpan<byte> topic) =>
        Find(hash, topic) is var found and >= 0 ? _rows[found].Mentions : default;

    /// <summary>Adds the last event of a topic in each lane of which one was seen; whether that is all there are. Where it is not, the
    /// indexes of the other lanes know more.</summary>
    public bool Heads(ulong hash, ReadOnlySpan<byte> topic, List<TopicHead> into)
    {
        int found = Find(hash, topic);
        if (found < 0)
        {
            return true;
        }

        ref Row row = ref _rows[found];
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

            _rows[found].IsWhole = true;
        }
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<TopicFact> Since(long since) => Since(since, 0, Count);

    /// <summary>Those among some rows that changed since a revision.</summary>
    public IEnumerable<TopicFact> Since(long since, int first, int count)
    {
        for (int i = first; i < Math.Min(Count, first + count); i++)
        {
            if (_rows[i].Revision > since)
            {
                yield return FactOf(i);
            }
        }
    }

    /// <summary>What is known of a topic, or <see langword="null"/>.</summary>
    public TopicFact? Find(TopicName topic)
    {
        byte[] name = Encoding.UTF8.GetBytes(topic.Value);
        return Find(BatchTopics.Hash(name), name) is var found and >= 0 ? FactOf(found) : null;
    }

    public TopicFact FactOf(int index) => new(TopicName.FromValidated(Name(_rows[index])), CreatedAt(_rows[index]));

    private void Saw(int topic, in TopicHead head)
    {
        ref Row row = ref _rows[topic];
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

    private ulong HashOf(int row) => _rows[row].Hash;

    private ReadOnlySpan<byte> Name(in Row row) => _names[row.Name];

    private HybridTimestamp CreatedAt(in Row row) => new(row.CreatedAt, _clusters[row.Cluster]);

    private int Find(ulong hash, ReadOnlySpan<byte> topic)
    {
        int probe = -1;
        int found = _rows.Next(hash, ref probe);
        while (found >= 0 && !(_rows[found].Hash == hash && Name(_rows[found]).SequenceEqual(topic)))
        {
            found = _rows.Next(hash, ref probe);
        }

        return found;
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
        public NamePlace Name;
        public MentionSlot Mentions;
        public int Retained;                          // its row among the retained + 1; in what alignment leaves free
        public ushort Cluster;
        public bool IsWhole;
    }
}
