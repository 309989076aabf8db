using System.Runtime.CompilerServices;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>How far one filter's retained messages were gone over: stream by stream, page by page. Once it is opened the streams still to
/// come and one page lie in memory, before that nothing.</summary>
internal sealed class RetainedWalk
{
    private const int PageTopics = 64;

    private readonly Queue<StreamPath> _streams = new();
    private readonly HashSet<StreamPath> _left = [];
    private readonly bool _hasWildcards;
    private IReadOnlyList<RetainedHead> _page = [];
    private int _at;
    private int _next;

    /// <summary>A walk for a filter.</summary>
    public RetainedWalk(string filter)
    {
        Filter = filter;
        _hasWildcards = TopicFilter.HasWildcards(filter);
    }

    /// <summary>The filter.</summary>
    public string Filter { get; }

    /// <summary>Whether its messages may be sent: SUBACK went out.</summary>
    public bool IsReady { get; set; }

    /// <summary>Messages sent whose acknowledgement is awaited.</summary>
    public int Unacknowledged { get; set; }

    /// <summary>Whether it was begun.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether all was gone over.</summary>
    public bool IsOver => IsOpen && _streams.Count == 0;

    /// <summary>The present stream.</summary>
    public StreamPath Stream => _streams.Peek();

    /// <summary>What MQTT topics of the present stream begin with.</summary>
    public string Prefix { get; private set; } = string.Empty;

    /// <summary><see cref="Prefix"/> in UTF-8.</summary>
    public byte[] PrefixUtf8 { get; private set; } = [];

    /// <summary>Whether there is anything to go over.</summary>
    public bool HasAny(IEventStore store)
    {
        foreach (StreamPath stream in store.Streams)
        {
            if (Has(store, stream))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a stream is still to be gone over. Before it is opened streams can only be added to these: topics that had a
    /// retained message once count for ever.</summary>
    public bool IsLeft(IEventStore store, StreamPath stream) => IsOpen ? _left.Contains(stream) : Has(store, stream);

    /// <summary>Begins, with the streams that there are now.</summary>
    public void Open(IEventStore store)
    {
        IsOpen = true;
        foreach (StreamPath stream in store.Streams)
        {
            if (Has(store, stream))
            {
                _streams.Enqueue(stream);
                _left.Add(stream);
            }
        }

        Enter();
    }

    /// <summary>The next topic with a retained message in the present stream; false at its end.</summary>
    public bool TryTake(IEventStore store, out RetainedHead head)
    {
        while (_at == _page.Count && _next >= 0)
        {
            ReadPage(store);
        }

        bool has = _at < _page.Count;
        head = has ? _page[_at++] : default;
        return has;
    }

    /// <summary>Goes on with the next stream; gives the one that is done.</summary>
    public StreamPath Leave()
    {
        StreamPath left = _streams.Dequeue();
        _left.Remove(left);
        Enter();
        return left;
    }

    /// <summary>Whether the filter matches a topic of the present stream, and the client may be given it.</summary>
    [SkipLocalsInit]
    public bool Wants(ReadOnlySpan<byte> topic, IAccessPolicy access, AccessSubject subject)
    {
        // UTF-16 takes no more units than UTF-8 takes bytes; both names are bounded, 8.7 KiB at most.
        Span<char> text = stackalloc char[StreamPath.MaxBytes + 1 + TopicName.MaxBytes];
        Prefix.CopyTo(text);
        int at = Prefix.Length;
        if (Prefix.Length == 0 || topic.Length > 0)
        {
            text[at++] = '/';
        }

        int begin = at;
        at += Encoding.UTF8.GetChars(topic, text[at..]);
        return TopicFilter.Matches(Filter, text[..at])
            && access.Allows(subject, AccessAction.Deliver, Stream, text[begin..at]);
    }

    private void Enter()
    {
        (_page, _at, _next) = ([], 0, 0);
        if (_streams.TryPeek(out StreamPath stream))
        {
            Prefix = TopicMap.Prefix(stream)!;
            PrefixUtf8 = Encoding.UTF8.GetBytes(Prefix);
        }
    }

    // A filter without wildcards is one topic: it is looked up.
    private void ReadPage(IEventStore store)
    {
        _at = 0;
        if (_hasWildcards)
        {
            RetainedPage page = store.Retained(Stream, _next, PageTopics);
            (_page, _next) = (page.Heads, page.Next);
            return;
        }

        _page = store.RetainedHead(Stream, Topic(Prefix)) is { HasMessage: true } head ? [head] : [];
        _next = -1;
    }

    private bool Has(IEventStore store, StreamPath stream) =>
        TopicMap.Prefix(stream) is { } prefix && TopicMap.MayMatch(Filter, prefix)
        && (_hasWildcards ? store.Retained(stream, 0, 0).Next >= 0 : store.RetainedHead(stream, Topic(prefix)) is not null);

    // What is left of the filter behind the stream's prefix and a slash.
    private byte[] Topic(string prefix) =>
        Filter.Length > prefix.Length ? Encoding.UTF8.GetBytes(Filter[(prefix.Length + 1)..]) : [];
}
