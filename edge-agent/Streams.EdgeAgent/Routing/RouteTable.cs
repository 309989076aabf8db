using System.Collections.Immutable;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.EdgeAgent;

/// <summary>Finds the route of an event, and says whether it is one of those that a route lets through. Used by the writer's thread
/// alone.</summary>
/// <remarks>What sampling counts is in memory: after a restart the next event of each topic goes up.</remarks>
internal sealed class RouteTable(ImmutableArray<Route> routes, TimeProvider time)
{
    private const int MaxTopics = 100_000;           // some 150 bytes each; forgotten all at once: an event too many goes up

    private readonly Dictionary<(int Route, StreamPath Stream, string Topic), (long Count, long At)> _sampled = [];
    private readonly char[] _topic = new char[StreamPath.MaxBytes + TopicName.MaxBytes];

    /// <summary>The routes, in their order.</summary>
    public ImmutableArray<Route> Routes => routes;

    /// <summary>Which route an event takes; -1 for none.</summary>
    public int Find(StreamPath stream, ReadOnlySpan<byte> topic)
    {
        if (routes.IsEmpty)
        {
            return -1;
        }

        ReadOnlySpan<char> name = Name(stream, topic);
        for (int i = 0; i < routes.Length; i++)
        {
            if (TopicFilter.Matches(routes[i].Filter, name))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Whether an event goes up, where its route takes one of several.</summary>
    /// <param name="route">The route.</param>
    /// <param name="stream">Its stream.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="counts">Whether it is one that counts: it is stored.</param>
    public bool Passes(int route, StreamPath stream, ReadOnlySpan<byte> topic, bool counts)
    {
        if (!routes[route].Samples)
        {
            return true;
        }

        if (_sampled.Count >= MaxTopics)
        {
            _sampled.Clear();
        }

        (int, StreamPath, string) key = (route, stream, Encoding.UTF8.GetString(topic));
        bool isKnown = _sampled.TryGetValue(key, out (long Count, long At) last);
        bool passes = !isKnown || (routes[route].Every > 1 ? last.Count % routes[route].Every == 0
            : time.GetElapsedTime(last.At) >= routes[route].Interval);
        if (counts)
        {
            _sampled[key] = (last.Count + 1, passes ? time.GetTimestamp() : last.At);
        }

        return passes;
    }

    // As devices name it: the stream is the first level.
    private ReadOnlySpan<char> Name(StreamPath stream, ReadOnlySpan<byte> topic)
    {
        int at = 0;
        if (!stream.IsSystem)
        {
            stream.Value.AsSpan(1).CopyTo(_topic);
            at = stream.Value.Length - 1;
        }

        if (topic.Length > 0 || stream.IsSystem)
        {
            _topic[at++] = '/';
        }

        at += Encoding.UTF8.GetChars(topic, _topic.AsSpan(at));
        return _topic.AsSpan(0, at);
    }
}
