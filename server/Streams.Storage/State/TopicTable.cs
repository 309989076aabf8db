using Streams.Core;

namespace Streams.Storage;

/// <summary>A topic of a stream.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="CreatedAt">When its first event was appended, as far as is known here.</param>
public readonly record struct TopicStatus(TopicName Topic, HybridTimestamp CreatedAt);

/// <summary>The topics of streams, found by their UTF-8 without making a string. Facts of one topic join to the earliest.</summary>
internal sealed class TopicTable(StateRevision revision)
{
    private readonly Dictionary<StreamPath, Dictionary<byte[], (HybridTimestamp At, long Revision)>> _topics = [];

    public int CountOf(StreamPath stream) =>
        _topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of) ? of.Count : 0;

    public bool Contains(StreamPath stream, ReadOnlySpan<byte> topic) =>
        _topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of)
        && of.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(topic);

    /// <summary>What is known of a topic, or <see langword="null"/>.</summary>
    public TopicFact? Find(StreamPath stream, TopicName topic) =>
        _topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of)
        && of.TryGetValue(System.Text.Encoding.UTF8.GetBytes(topic.Value), out (HybridTimestamp At, long Revision) kept)
            ? new TopicFact(topic, kept.At) : null;

    /// <summary>Whether joining this fact would change anything.</summary>
    public bool WouldChange(StreamPath stream, TopicFact fact) =>
        !_topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of)
        || !of.TryGetValue(System.Text.Encoding.UTF8.GetBytes(fact.Topic.Value), out (HybridTimestamp At, long Revision) kept)
        || kept.At.CompareTo(fact.CreatedAt) > 0;

    /// <summary>Joins a fact into what is kept; whether that changed anything.</summary>
    public bool Join(StreamPath stream, TopicFact fact)
    {
        if (!_topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of))
        {
            _topics[stream] = of = new Dictionary<byte[], (HybridTimestamp At, long Revision)>(Utf8Comparer.Instance);
        }

        byte[] topic = System.Text.Encoding.UTF8.GetBytes(fact.Topic.Value);
        if (of.TryGetValue(topic, out (HybridTimestamp At, long Revision) kept) && kept.At.CompareTo(fact.CreatedAt) <= 0)
        {
            return false;
        }

        of[topic] = (fact.CreatedAt, revision.Next());
        return true;
    }

    public void Clear() => _topics.Clear();

    public IReadOnlyList<TopicStatus> List(StreamPath stream, int max)
    {
        List<TopicStatus> list = [];
        if (_topics.TryGetValue(stream, out Dictionary<byte[], (HybridTimestamp At, long Revision)>? of))
        {
            foreach ((byte[] topic, (HybridTimestamp at, _)) in of)
            {
                if (list.Count == max)
                {
                    break;
                }

                list.Add(new TopicStatus(TopicName.FromValidated(topic), at));
            }
        }

        return list;
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<(StreamPath Stream, TopicFact Fact)> Since(long since) =>
        _topics.SelectMany(s => s.Value.Where(t => t.Value.Revision > since)
            .Select(t => (s.Key, new TopicFact(TopicName.FromValidated(t.Key), t.Value.At))));
}

/// <summary>Compares UTF-8 by its bytes.</summary>
internal sealed class Utf8Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly Utf8Comparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        HashCode hash = default;
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
