using Streams.Core;

namespace Streams.Storage;

/// <summary>A topic of a stream.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="CreatedAt">When its first event was appended, as far as is known here.</param>
public readonly record struct TopicStatus(TopicName Topic, HybridTimestamp CreatedAt);

/// <summary>The topics of streams. Facts of one topic join to the earliest.</summary>
internal sealed class TopicTable(StateRevision revision)
{
    private readonly Dictionary<StreamPath, StreamTopics> _topics = [];

    /// <summary>The streams that have topics.</summary>
    public IReadOnlyCollection<StreamPath> Streams => _topics.Keys;

    /// <summary>The topics of a stream, or <see langword="null"/> when it has none.</summary>
    public StreamTopics? Of(StreamPath stream) => _topics.GetValueOrDefault(stream);

    public int CountOf(StreamPath stream) => Of(stream)?.Count ?? 0;

    /// <summary>What is known of a topic, or <see langword="null"/>.</summary>
    public TopicFact? Find(StreamPath stream, TopicName topic) => Of(stream)?.Find(topic);

    /// <summary>Whether joining this fact would change anything.</summary>
    public bool WouldChange(StreamPath stream, TopicFact fact) => Of(stream)?.WouldChange(fact) ?? true;

    /// <summary>Joins a fact into what is kept; whether that changed anything.</summary>
    public bool Join(StreamPath stream, TopicFact fact)
    {
        if (!_topics.TryGetValue(stream, out StreamTopics? of))
        {
            _topics[stream] = of = new StreamTopics(revision);
        }

        return of.Join(fact);
    }

    public void Clear() => _topics.Clear();

    public IReadOnlyList<TopicStatus> List(StreamPath stream, int max)
    {
        List<TopicStatus> list = [];
        if (Of(stream) is { } of)
        {
            for (int i = 0; i < of.Count && i < max; i++)
            {
                TopicFact fact = of.FactOf(i);
                list.Add(new TopicStatus(fact.Topic, fact.CreatedAt));
            }
        }

        return list;
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<(StreamPath Stream, TopicFact Fact)> Since(long since) =>
        _topics.SelectMany(s => s.Value.Since(since).Select(f => (s.Key, f)));
}
